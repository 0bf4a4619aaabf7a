package messages

// ReplyCursor is a place in a reply that somebody reads while it grows. Its zero
// value is the beginning.
type ReplyCursor struct {
	told    bool    // who serves
	earlier string  // of the Served that was told last
	drafts  []taken // by position
}

// taken is how much of an item was read, in bytes.
type taken struct {
	begun                 bool
	text, refusal, opaque int
}

// Next returns what comes behind the cursor, as the chunk of a stream, and moves
// it there; false at the end of what there is so far. Read so, and put together
// by another [Reply], a reply has the same items as the one that it is read from,
// in the same order, however it grew. Logprobs and Extra are not part of it.
func (r *Reply) Next(c *ReplyCursor) (Chunk, bool) {
	if r.Served.Provider != "" && (!c.told || c.earlier != r.Served.Earlier) {
		c.told, c.earlier = true, r.Served.Earlier
		served := r.Served
		return Chunk{Kind: ChunkOpened, Served: &served}, true
	}
	calls := 0
	for i := range r.drafts {
		if i == len(c.drafts) {
			c.drafts = append(c.drafts, taken{})
		}
		chunk, more := r.drafts[i].next(&c.drafts[i])
		if r.drafts[i].kind == ItemToolCall {
			chunk.Index = calls
			calls++
		}
		if more {
			return chunk, true
		}
	}
	return Chunk{}, false
}

// next returns what of the draft was not taken yet.
func (d *draft) next(t *taken) (c Chunk, more bool) {
	text := string(d.text[t.text:])
	switch {
	case d.kind == ItemToolCall && (text != "" || !t.begun):
		c = Chunk{Kind: ChunkToolCall, Text: text}
		if !t.begun {
			c.Detail = &ChunkDetail{CallID: d.callID, Name: d.name}
		}
	case d.kind == ItemReasoning && (text != "" || len(d.opaque) > t.opaque):
		c = thought(text, d.opaque[t.opaque:])
	case d.kind == ItemMessage && text != "":
		c = Chunk{Kind: ChunkText, Text: text}
	case d.kind == ItemMessage && len(d.refusal) > t.refusal:
		c = Chunk{Kind: ChunkRefusal, Text: string(d.refusal[t.refusal:])}
		t.refusal = len(d.refusal)
		return c, true
	default:
		return Chunk{}, false
	}
	t.begun, t.text, t.opaque = true, len(d.text), len(d.opaque)
	return c, true
}
