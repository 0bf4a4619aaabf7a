package messages_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"example.com/parley/messages"
)

var turn = messages.TurnID{0x01, 0x8f, 0x2c, 0x3d, 0x4e, 0x5f, 0x70, 0x01, 0x82, 0x03, 0x94, 0x05, 0xa6, 0x07, 0xb8, 0x09}

func text(s string) messages.Chunk { return messages.Chunk{Kind: messages.ChunkText, Text: s} }

func refusal(s string) messages.Chunk { return messages.Chunk{Kind: messages.ChunkRefusal, Text: s} }

func thought(s, opaque string) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkReasoning, Text: s, Detail: &messages.ChunkDetail{Opaque: opaque}}
}

func callBegins(index int, id, args string) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkToolCall, Index: index, Text: args, Detail: &messages.ChunkDetail{CallID: id, Name: "f"}}
}

func callGoesOn(index int, args string) messages.Chunk {
	return messages.Chunk{Kind: messages.ChunkToolCall, Index: index, Text: args}
}

func otherChoice(c messages.Chunk) messages.Chunk {
	c.Choice = 1
	return c
}

func reply(chunks ...messages.Chunk) *messages.Reply {
	r := &messages.Reply{}
	for _, c := range chunks {
		r.Add(c)
	}
	return r
}

func said(parts ...messages.Part) messages.Item {
	return messages.Item{Kind: messages.ItemMessage, Role: messages.RoleAssistant, Parts: parts, Status: messages.ItemComplete}
}

func TestReplyPutsItemsTogether(t *testing.T) {
	t.Parallel()
	incomplete := func(item messages.Item) messages.Item {
		item.Status = messages.ItemIncomplete
		return item
	}
	hm := messages.Item{Kind: messages.ItemReasoning, Parts: []messages.Part{messages.TextPart("hm")}, Opaque: "ab", Status: messages.ItemComplete}
	call := func(id, args string) messages.Item {
		return messages.Item{Kind: messages.ItemToolCall, CallID: id, Name: "f", Args: args, Status: messages.ItemComplete}
	}
	for name, tt := range map[string]struct {
		chunks []messages.Chunk
		want   []messages.Item // with the last incomplete
	}{
		"nothing":                            {nil, []messages.Item{}},
		"text":                               {[]messages.Chunk{text("Hel"), text("lo")}, []messages.Item{incomplete(said(messages.TextPart("Hello")))}},
		"text and refusal are one message":   {[]messages.Chunk{text("a"), refusal("no"), refusal("pe")}, []messages.Item{incomplete(said(messages.TextPart("a"), messages.Part{Kind: messages.PartRefusal, Text: "nope"}))}},
		"a refusal alone":                    {[]messages.Chunk{refusal("no")}, []messages.Item{incomplete(said(messages.Part{Kind: messages.PartRefusal, Text: "no"}))}},
		"thoughts, then text":                {[]messages.Chunk{thought("h", ""), thought("m", "a"), thought("", "b"), text("x")}, []messages.Item{hm, incomplete(said(messages.TextPart("x")))}},
		"text between thoughts":              {[]messages.Chunk{thought("hm", "ab"), text("x"), thought("hm", "ab")}, []messages.Item{hm, said(messages.TextPart("x")), incomplete(hm)}},
		"hidden thoughts":                    {[]messages.Chunk{thought("", "ab")}, []messages.Item{{Kind: messages.ItemReasoning, Parts: []messages.Part{messages.TextPart("")}, Opaque: "ab", Status: messages.ItemIncomplete}}},
		"empty deltas begin nothing":         {[]messages.Chunk{text(""), refusal(""), thought("", ""), text("x"), thought("", "")}, []messages.Item{incomplete(said(messages.TextPart("x")))}},
		"calls":                              {[]messages.Chunk{callBegins(0, "a", ""), callGoesOn(0, "{}"), callBegins(1, "b", "[")}, []messages.Item{call("a", "{}"), incomplete(call("b", "["))}},
		"calls that come in turns":           {[]messages.Chunk{callBegins(0, "a", "{"), callBegins(1, "b", "["), callGoesOn(0, "}"), callGoesOn(1, "]")}, []messages.Item{call("a", "{}"), incomplete(call("b", "[]"))}},
		"a call that another one cut off":    {[]messages.Chunk{callBegins(0, "a", "{"), callBegins(1, "b", "[]"), text("x")}, []messages.Item{incomplete(call("a", "{")), call("b", "[]"), incomplete(said(messages.TextPart("x")))}},
		"a call, then text, then the same":   {[]messages.Chunk{callBegins(0, "a", "{"), text("x"), callGoesOn(0, "}")}, []messages.Item{call("a", "{}"), incomplete(said(messages.TextPart("x")))}},
		"the first of several choices alone": {[]messages.Chunk{otherChoice(text("b")), text("a"), otherChoice(callBegins(0, "a", "{}"))}, []messages.Item{incomplete(said(messages.TextPart("a")))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const inputs = 2
			r := reply(tt.chunks...)
			for i := range tt.want {
				tt.want[i].ID = messages.NewItemID(tt.want[i].Kind, turn, inputs+i)
			}
			if diff := cmp.Diff(tt.want, r.Items(turn, inputs, 0, messages.ItemIncomplete)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if r.Len() != len(tt.want) {
				t.Errorf("%d items, want %d", r.Len(), len(tt.want))
			}
			for i := range tt.want {
				tail := r.Items(turn, inputs, i, messages.ItemIncomplete)
				if diff := cmp.Diff(tt.want[i:], tail); diff != "" {
					t.Errorf("from item %d (-want +got):\n%s", i, diff)
				}
			}
			for i := range tt.want {
				tt.want[i].Status = messages.ItemComplete
			}
			if diff := cmp.Diff(tt.want, r.Items(turn, inputs, 0, messages.ItemComplete)); diff != "" {
				t.Errorf("once it is complete (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplyTellsWhereADeltaBelongs(t *testing.T) {
	t.Parallel()
	var r messages.Reply
	for i, step := range []struct {
		chunk    messages.Chunk
		position int
		first    bool
	}{
		{messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{}}, -1, false},
		{thought("h", ""), 0, true},
		{thought("m", ""), 0, false},
		{text(""), -1, false},
		{text("a"), 1, true},
		{refusal("b"), 1, false},
		{callBegins(0, "a", ""), 2, true},
		{callBegins(1, "b", ""), 3, true},
		{callGoesOn(0, "{}"), 2, false},
		{otherChoice(text("x")), -1, false},
		{messages.Chunk{Kind: messages.ChunkFinish}, -1, false},
		{messages.Chunk{Kind: messages.ChunkUsage, Usage: &messages.Usage{}}, -1, false},
		{messages.Chunk{Kind: messages.ChunkEnd, End: &messages.TurnOutcome{}}, -1, false},
		{text("c"), 4, true},
	} {
		position, first := r.Add(step.chunk)
		if position != step.position || first != step.first {
			t.Errorf("step %d: %d, %t, want %d, %t", i, position, first, step.position, step.first)
		}
	}
}

func TestReplyRemembersWhatIsSaidAboutIt(t *testing.T) {
	t.Parallel()
	served := messages.Served{Provider: "openai", Model: "gpt-4o"}
	usage := messages.Usage{Input: 3, Output: 4}
	r := reply(
		messages.Chunk{Kind: messages.ChunkOpened, Served: &served}, text("a"),
		messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishLength},
		otherChoice(messages.Chunk{Kind: messages.ChunkFinish, Finish: messages.FinishStop}),
		messages.Chunk{Kind: messages.ChunkUsage, Usage: &usage},
	)
	if r.Served != served || r.Finish != messages.FinishLength || r.Usage != usage {
		t.Errorf("got %+v, %s, %+v", r.Served, r.Finish, r.Usage)
	}
}

func TestReplyItemsDoNotGrowAfterwards(t *testing.T) {
	t.Parallel()
	r := reply(text("a"), callBegins(0, "a", "{"))
	before := r.Items(turn, 0, 0, messages.ItemIncomplete)
	r.Add(callGoesOn(0, "}"))
	if before[1].Args != "{" {
		t.Errorf("the arguments became %q", before[1].Args)
	}
}

// However a reply was cut into deltas, it is the same reply.
func TestReplyDoesNotDependOnHowTextWasCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.IntRange(0, 5).Draw(t, "items")
		whole, pieces := make([]messages.Chunk, 0, items), []messages.Chunk{}
		for i := range items {
			c := rapid.SampledFrom([]messages.Chunk{text(""), refusal(""), thought("", "sig"), callBegins(i, "call_"+strconv.Itoa(i), "")}).Draw(t, "kind")
			c.Text = rapid.StringMatching(`[a-z{}]{1,10}`).Draw(t, "text")
			whole = append(whole, c)
			for rest := c.Text; rest != ""; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
				piece := c
				piece.Text = rest[:n]
				rest = rest[n:]
				if rest != "" && c.Kind == messages.ChunkReasoning {
					piece.Detail = nil
				}
				pieces = append(pieces, piece)
				if c.Kind == messages.ChunkToolCall {
					c.Detail = nil
				}
			}
		}
		want, got := reply(whole...), reply(pieces...)
		if diff := cmp.Diff(want.Items(turn, 1, 0, messages.ItemComplete), got.Items(turn, 1, 0, messages.ItemComplete)); diff != "" {
			t.Fatalf("(-whole +pieces):\n%s", diff)
		}
		if want.Bytes() != got.Bytes() {
			t.Fatalf("%d bytes whole, %d in pieces", want.Bytes(), got.Bytes())
		}
	})
}

func BenchmarkReplyAdd(b *testing.B) {
	chunk := text(" word")
	b.ReportAllocs()
	var r messages.Reply
	for b.Loop() {
		if r.Bytes() > 1<<20 {
			r = messages.Reply{}
		}
		r.Add(chunk)
	}
}
