package openai

import "example.com/parley/messages"

// chatContent reads a string or an array of parts.
func (r *reader) chatContent() (parts []messages.Part, err error) {
	if r.isString() {
		text, err := r.string()
		return []messages.Part{messages.TextPart(text)}, err
	}
	if !r.isArray() {
		return nil, r.mismatch("a string or an array of parts")
	}
	err = r.array(maxParts, func(int) error {
		part, err := r.chatPart()
		parts = append(parts, part)
		return err
	})
	return parts, err
}

// chatPart reads a part. One of a type that Parley does not read is kept as it
// is.
func (r *reader) chatPart() (part messages.Part, err error) {
	start, kind := r.start(), ""
	hasText := false
	err = r.object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = r.string()
		case "text", "refusal":
			hasText = true
			part.Text, err = r.string()
		case "image_url":
			err = r.object(func(name []byte) error { return r.imageMember(name, &part) })
		default:
			err = r.skip()
		}
		return err
	})
	if err != nil {
		return part, err
	}
	switch kind {
	case "text":
		part.Kind = messages.PartText
		return part, r.wants(hasText, "text", "send the text")
	case "refusal":
		part.Kind = messages.PartRefusal
		return part, r.wants(hasText, "refusal", "send the text")
	case "image_url":
		part.Kind = messages.PartImage
		return part, r.wants(part.Image != "", "image_url.url", "send an https: or data: URL")
	case "":
		return part, r.wants(false, "type", "send text, image_url, or a type that the provider knows")
	default:
		return messages.Part{Kind: messages.PartOther, Raw: r.since(start), Format: messages.FormatOpenAIChat}, nil
	}
}

func (r *reader) imageMember(name []byte, part *messages.Part) (err error) {
	switch string(name) {
	case "url":
		part.Image, err = r.string()
	case "detail":
		part.Detail, err = r.string()
	default:
		err = r.skip()
	}
	return err
}

// wants refuses the object that was read last unless it has a member.
func (r *reader) wants(has bool, member, do string) error {
	if has {
		return nil
	}
	return invalid(r.path()+"."+member, "is missing", do)
}
