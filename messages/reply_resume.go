package messages

import "bytes"

// Behind returns the place in r at which all of other was read, where other is a
// beginning of r.
func (r *Reply) Behind(other *Reply) (c ReplyCursor, is bool) {
	if len(other.drafts) > len(r.drafts) {
		return c, false
	}
	c.told, c.earlier = other.Served.Provider != "", other.Served.Earlier
	for i := range other.drafts {
		place, is := r.drafts[i].behind(&other.drafts[i])
		if !is {
			return ReplyCursor{}, false
		}
		c.drafts = append(c.drafts, place)
	}
	return c, true
}

func (d *draft) behind(other *draft) (t taken, is bool) {
	is = d.kind == other.kind && d.callID == other.callID && d.name == other.name && bytes.HasPrefix(d.text, other.text) &&
		bytes.HasPrefix(d.refusal, other.refusal) && len(d.opaque) >= len(other.opaque) && d.opaque[:len(other.opaque)] == other.opaque
	return taken{begun: true, text: len(other.text), refusal: len(other.refusal), opaque: len(other.opaque)}, is
}

// Rest returns all that comes behind a place in r.
func (r *Reply) Rest(c ReplyCursor) (chunks []Chunk) {
	for {
		chunk, more := r.Next(&c)
		if !more {
			return chunks
		}
		chunks = append(chunks, chunk)
	}
}

// IsText tells whether r has nothing but text, and thoughts behind it.
func (r *Reply) IsText() bool {
	for i := range r.drafts {
		if d := &r.drafts[i]; d.kind == ItemToolCall || len(d.refusal) > 0 {
			return false
		}
	}
	return true
}

// ItemChunks returns the deltas that a reply of these items could have come as.
func ItemChunks(output []Item) (chunks []Chunk) {
	calls := 0
	for i := range output {
		item := &output[i]
		switch item.Kind {
		case ItemToolCall:
			chunks = append(chunks, Chunk{Kind: ChunkToolCall, Index: calls, Text: item.Args, Detail: &ChunkDetail{CallID: item.CallID, Name: item.Name}})
			calls++
		case ItemReasoning:
			chunks = append(chunks, thought(item.Text(), item.Opaque))
		default:
			chunks = appendParts(chunks, item.Parts)
		}
	}
	return chunks
}

// thought is a piece of reasoning.
func thought(text, opaque string) Chunk {
	c := Chunk{Kind: ChunkReasoning, Text: text}
	if opaque != "" {
		c.Detail = &ChunkDetail{Opaque: opaque}
	}
	return c
}

func appendParts(chunks []Chunk, parts []Part) []Chunk {
	for _, part := range parts {
		switch part.Kind {
		case PartText:
			chunks = append(chunks, Chunk{Kind: ChunkText, Text: part.Text})
		case PartRefusal:
			chunks = append(chunks, Chunk{Kind: ChunkRefusal, Text: part.Text})
		}
	}
	return chunks
}
