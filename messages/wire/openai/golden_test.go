package openai_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/openai"
	"example.com/parley/messages/wire/sse"
)

// The golden files under testdata are traffic of real servers (.sse, .json), what
// it says (.chunks), and what our clients are sent (.client). After a change that
// is meant, UPDATE_GOLDEN=1 writes the latter two again.
var turn = messages.TurnID{0x01, 0x8f, 0x2c, 0x3d, 0x4e, 0x5f, 0x70, 0x01, 0x82, 0x03, 0x94, 0x05, 0xa6, 0x07, 0xb8, 0x09}

var asked = time.Unix(1747660000, 0)

// golden calls check with each testdata file of the pattern, and compares what it
// returns with the files beside it that have the extensions.
func golden(t *testing.T, pattern string, check func(t *testing.T, input []byte) map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata for %s: %v", pattern, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			for extension, got := range check(t, read(t, file)) {
				expect(t, strings.TrimSuffix(file, filepath.Ext(file))+extension, got)
			}
		})
	}
}

func expect(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, file)), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// stopper is a test, or one draw of a property.
type stopper interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// payloads returns the data of a stream's events.
func payloads(tb stopper, stream []byte) (data [][]byte) {
	tb.Helper()
	r := sse.NewReader(bytes.NewReader(stream), 1<<20)
	for {
		event, err := r.Next()
		if errors.Is(err, io.EOF) {
			return data
		}
		if err != nil {
			tb.Fatal(err)
		}
		data = append(data, bytes.Clone(event.Data))
	}
}

// outcome is how a turn ends whose provider's stream ended like this.
func outcome(failure error) messages.Chunk {
	end := messages.TurnOutcome{Status: messages.TurnComplete}
	if failure != nil {
		end = messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonProvider, Err: failure}
	}
	return messages.Chunk{Kind: messages.ChunkEnd, End: &end}
}

// record is a kept turn as it begins.
func record() *messages.TurnRecord {
	return &messages.TurnRecord{
		ID: turn, Model: "public-model", Inputs: 1, Created: asked, Status: messages.TurnRunning,
		Ref: messages.ConversationRef{Tenant: "acme", Conversation: "conv_0123456789abcdef0123456789abcdef"},
	}
}

func TestStreamsOfRealServers(t *testing.T) {
	t.Parallel()
	golden(t, "chat/*.sse", func(t *testing.T, input []byte) map[string]string {
		var decoder openai.ChatDecoder
		chat := openai.ChatStream{ID: turn, Model: "public-model", Created: asked, IncludeUsage: true}
		responses := openai.NewResponseStream(record())
		var lines strings.Builder
		var client, events []byte
		relay := func(c messages.Chunk) {
			lines.WriteString(line(c))
			client = chat.Append(client, c)
			events = responses.Append(events, c)
		}
		var failure error
		for _, data := range payloads(t, input) {
			done, err := decoder.Decode(data, relay)
			switch code := messages.CodeOf(err); {
			case code == messages.CodeInternal:
				lines.WriteString("malformed\n")
			case err != nil:
				lines.WriteString("failure " + err.Error() + "\n")
				failure = err
			}
			if done {
				lines.WriteString("done\n")
			}
		}
		relay(outcome(failure))
		checkJSON(t, client)
		checkJSON(t, events)
		return map[string]string{".chunks": lines.String(), ".client": string(client), ".events": string(events)}
	})
}

func TestRepliesOfRealServers(t *testing.T) {
	t.Parallel()
	golden(t, "reply/*.json", func(t *testing.T, input []byte) map[string]string {
		chunks, err := openai.DecodeChatReply(input)
		if err != nil {
			return map[string]string{".chunks": "failure " + err.Error() + "\n"}
		}
		var lines strings.Builder
		var reply openai.ChatReply
		for _, c := range chunks {
			lines.WriteString(line(c))
			reply.Add(c)
		}
		client := reply.AppendJSON(nil, turn, "public-model", asked)
		return map[string]string{".chunks": lines.String(), ".client": indent(t, client)}
	})
}

// checkJSON holds that each payload is JSON on one line.
func checkJSON(t *testing.T, stream []byte) {
	t.Helper()
	for _, data := range payloads(t, stream) {
		if string(data) != "[DONE]" && !jsontext.Value(data).IsValid() {
			t.Errorf("not JSON: %s", data)
		}
		if bytes.ContainsAny(data, "\r\n") {
			t.Errorf("on several lines: %q", data)
		}
	}
	if bytes.Contains(stream, []byte("\nid:")) || bytes.HasPrefix(stream, []byte("id:")) {
		t.Error("an event has an id, which breaks heartbeats for OpenAI's clients")
	}
}

// indent makes JSON readable, and fails for what is none.
func indent(tb testing.TB, text []byte) string {
	tb.Helper()
	value := jsontext.Value(bytes.Clone(text))
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		tb.Fatalf("%v: %s", err, text)
	}
	return string(value) + "\n"
}

// line describes a chunk.
func line(c messages.Chunk) string {
	var b strings.Builder
	if c.Choice != 0 {
		fmt.Fprintf(&b, "choice %d ", c.Choice)
	}
	switch c.Kind {
	case messages.ChunkOpened:
		fmt.Fprintf(&b, "opened %q %q %q", c.Served.Model, c.Served.Fingerprint, c.Served.ServiceTier)
	case messages.ChunkText:
		fmt.Fprintf(&b, "text %q", c.Text)
	case messages.ChunkRefusal:
		fmt.Fprintf(&b, "refusal %q", c.Text)
	case messages.ChunkReasoning:
		fmt.Fprintf(&b, "reasoning %q", c.Text)
	case messages.ChunkToolCall:
		fmt.Fprintf(&b, "call %d %q", c.Index, c.Text)
		if c.Details().CallID != "" {
			fmt.Fprintf(&b, " begins %s %s", c.Details().CallID, c.Details().Name)
		}
	case messages.ChunkFinish:
		fmt.Fprintf(&b, "finish %s", c.Finish)
	case messages.ChunkUsage:
		fmt.Fprintf(&b, "usage %+v", *c.Usage)
	case messages.ChunkEnd:
		fmt.Fprintf(&b, "end %s", c.End.Status)
	}
	if c.Details().Logprobs != nil {
		fmt.Fprintf(&b, " logprobs %s", c.Details().Logprobs)
	}
	if c.Details().Extra != nil {
		fmt.Fprintf(&b, " extra %s", c.Details().Extra)
	}
	return b.String() + "\n"
}
