package messages_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"example.com/parley/messages"
)

// anyChunks draws what a provider may send, calls that come in turns included.
func anyChunks(t *rapid.T) (chunks []messages.Chunk) {
	begun := map[int]bool{}
	for range rapid.IntRange(0, 30).Draw(t, "chunks") {
		word := rapid.StringMatching(`[a-zé😀]{0,4}`).Draw(t, "word")
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0, 1:
			chunks = append(chunks, text(word))
		case 2:
			chunks = append(chunks, refusal(word))
		case 3:
			chunks = append(chunks, thought(word, rapid.SampledFrom([]string{"", "sig"}).Draw(t, "opaque")))
		default:
			index := rapid.IntRange(0, 3).Draw(t, "index")
			if begun[index] {
				chunks = append(chunks, callGoesOn(index, word))
			} else {
				chunks = append(chunks, callBegins(index, "call", word))
			}
			begun[index] = true
		}
	}
	return chunks
}

// readOn moves the cursor to the end of what there is, into a copy of the reply.
func readOn(r *messages.Reply, c *messages.ReplyCursor, into *messages.Reply) (chunks int) {
	for {
		chunk, more := r.Next(c)
		if !more {
			return chunks
		}
		into.Add(chunk)
		chunks++
	}
}

func TestReplyIsReadWholeHoweverItGrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var grown, copied messages.Reply
		var cursor messages.ReplyCursor
		for _, chunk := range anyChunks(t) {
			grown.Add(chunk)
			if rapid.Bool().Draw(t, "read now") {
				readOn(&grown, &cursor, &copied)
			}
		}
		readOn(&grown, &cursor, &copied)
		want, got := grown.Items(turn, 1, 0, messages.ItemComplete), copied.Items(turn, 1, 0, messages.ItemComplete)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-grown +read):\n%s", diff)
		}
		if again := readOn(&grown, &cursor, &copied); again != 0 {
			t.Fatalf("%d chunks come twice", again)
		}
	})
}

func TestReaderIsToldWhoServesAndWhoGoesOn(t *testing.T) {
	t.Parallel()
	var cursor messages.ReplyCursor
	r := reply(messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "one"}}, text("a"))
	first, _ := r.Next(&cursor)
	second, _ := r.Next(&cursor)
	if first.Kind != messages.ChunkOpened || first.Served.Provider != "one" || second.Text != "a" {
		t.Errorf("it begins with %+v and %+v", first, second)
	}
	r.Add(messages.Chunk{Kind: messages.ChunkOpened, Served: &messages.Served{Provider: "two", Earlier: "one/m"}})
	r.Add(text("b"))
	third, _ := r.Next(&cursor)
	if third.Kind != messages.ChunkOpened || third.Served.Provider != "two" {
		t.Errorf("who goes on is told as %+v", third)
	}
}

func TestWhatWasReadTogetherIsOneChunk(t *testing.T) {
	t.Parallel()
	var cursor messages.ReplyCursor
	r := reply(callBegins(7, "a", `{`), callGoesOn(7, `}`), text("x"), text("y"))
	var got []messages.Chunk
	for c, more := r.Next(&cursor); more; c, more = r.Next(&cursor) {
		got = append(got, c)
	}
	want := []messages.Chunk{callBegins(0, "a", `{}`), text("xy")} // calls are numbered as they are stored
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkReaderOfAGrowingReply(b *testing.B) {
	var r messages.Reply
	var cursor messages.ReplyCursor
	for b.Loop() {
		r.Add(text("word "))
		if _, more := r.Next(&cursor); !more {
			b.Fatal("nothing to read")
		}
	}
}
