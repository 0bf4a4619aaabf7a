package openai

import "example.com/parley/messages"

// AppendItem writes an item as Responses and Conversations show it.
func AppendItem(dst []byte, item *messages.Item) []byte {
	return appendItem(dst, item, itemStatus(item))
}

// statusInProgress is an item's in events before it is done.
const statusInProgress = "in_progress"

func itemStatus(item *messages.Item) string {
	if item.Status == "" {
		return string(messages.ItemComplete)
	}
	return string(item.Status)
}

func appendItem(dst []byte, item *messages.Item, status string) []byte {
	w := begin(dst)
	w.string("id", string(item.ID))
	w.string("type", string(item.Kind))
	switch item.Kind {
	case messages.ItemToolCall:
		w.string("status", status)
		w.string("arguments", item.Args)
		w.string("call_id", item.CallID)
		w.string("name", item.Name)
	case messages.ItemToolOutput:
		w.string("status", status)
		w.string("call_id", item.CallID)
		w.output(item.Parts)
	case messages.ItemReasoning:
		w.reasoning(item, status)
	default:
		w.string("status", status)
		w.string("role", string(item.Role))
		w.array("content", len(item.Parts), func(dst []byte, i int) []byte {
			return appendPart(dst, &item.Parts[i], item.Role == messages.RoleAssistant)
		})
	}
	return w.end()
}

// output writes a tool's output: a string where it is one text.
func (o *object) output(parts []messages.Part) {
	if len(parts) == 1 && parts[0].Kind == messages.PartText {
		o.string("output", parts[0].Text)
		return
	}
	o.array("output", len(parts), func(dst []byte, i int) []byte { return appendPart(dst, &parts[i], false) })
}

// reasoning writes thoughts as a summary, whatever the provider calls them:
// clients show summaries.
func (o *object) reasoning(item *messages.Item, status string) {
	o.array("summary", len(item.Parts), func(dst []byte, i int) []byte { return appendSummary(dst, item.Parts[i].Text) })
	o.stringOrNull("encrypted_content", item.Opaque)
	o.string("status", status)
}

func appendSummary(dst []byte, text string) []byte {
	w := begin(dst)
	w.string("type", "summary_text")
	w.string("text", text)
	return w.end()
}

func appendPart(dst []byte, part *messages.Part, said bool) []byte {
	w := begin(dst)
	switch {
	case part.Kind == messages.PartOther && part.Format == messages.FormatOpenAIResponses:
		return append(dst, part.Raw...)
	case part.Kind == messages.PartOther:
		return appendForeignPart(dst, part)
	case part.Kind == messages.PartRefusal:
		w.string("type", "refusal")
		w.string("refusal", part.Text)
	case part.Kind == messages.PartImage:
		w.string("type", "input_image")
		w.string("image_url", part.Image)
		w.string("detail", detailOf(part))
	case said:
		w.outputText(part.Text)
	default:
		w.string("type", "input_text")
		w.string("text", part.Text)
	}
	return w.end()
}

func detailOf(part *messages.Part) string {
	if part.Detail == "" {
		return "auto"
	}
	return part.Detail
}

func (o *object) outputText(text string) {
	o.string("type", "output_text")
	o.raw("annotations", []byte("[]"))
	o.raw("logprobs", []byte("[]"))
	o.string("text", text)
}

// appendForeignPart tells that there is content of another format, which has no
// shape here.
func appendForeignPart(dst []byte, part *messages.Part) []byte {
	w := begin(dst)
	w.string("type", "input_text")
	w.string("text", "[content of the format "+string(part.Format)+"]")
	return w.end()
}
