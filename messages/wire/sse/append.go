package sse

// AppendEvent writes an event behind dst. An empty name leaves the event line
// out. Data of several lines becomes several data lines, which a reader joins by
// a line feed again, whatever broke them.
func AppendEvent(dst []byte, name string, data []byte) []byte {
	if name != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, name...)
		dst = append(dst, '\n')
	}
	for {
		line, rest, more := cutLine(data)
		dst = append(dst, "data: "...)
		dst = append(dst, line...)
		dst = append(dst, '\n')
		if !more {
			return append(dst, '\n')
		}
		data = rest
	}
}

// AppendComment writes a comment behind dst, which clients skip: a sign of life
// while a model is silent. A line break in text becomes a space.
func AppendComment(dst []byte, text string) []byte {
	dst = append(dst, ": "...)
	for i := range len(text) {
		if text[i] == '\n' || text[i] == '\r' {
			dst = append(dst, ' ')
			continue
		}
		dst = append(dst, text[i])
	}
	return append(dst, "\n\n"...)
}

// cutLine splits data behind its first line end: LF, CR or both.
func cutLine(data []byte) (line, rest []byte, more bool) {
	end := lineEnd(data)
	if end < 0 {
		return data, nil, false
	}
	if data[end] == '\r' && end+1 < len(data) && data[end+1] == '\n' {
		return data[:end], data[end+2:], true
	}
	return data[:end], data[end+1:], true
}
