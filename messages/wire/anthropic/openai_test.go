package anthropic_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
	"example.com/parley/messages/wire/openai"
)

var update = flag.Bool("update", false, "write the testdata that is our own output anew")

// compare holds got to a file of testdata.
func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, file)), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// A reply of Anthropic's is shown to a client of OpenAI's, event by event.
func TestStreamsReachClientsOfOpenAI(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/stream/*.sse")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			var d anthropic.Decoder
			s := openai.ChatStream{ID: turn, Model: "claude", Created: time.Unix(1, 0), IncludeUsage: true}
			var out []byte
			end := messages.TurnOutcome{Status: messages.TurnComplete}
			for name, data := range events(read(t, file)) {
				done, err := d.Decode(name, data, func(c messages.Chunk) { out = s.Append(out, c) })
				if err != nil && messages.CodeOf(err) != messages.CodeInternal {
					end = messages.TurnOutcome{Status: messages.TurnPartial, Reason: messages.ReasonProvider, Err: err}
				}
				if done {
					break
				}
			}
			out = s.Append(out, messages.Chunk{Kind: messages.ChunkEnd, End: &end})
			compare(t, strings.TrimSuffix(file, ".sse")+".openai", out)
		})
	}
}

func TestRepliesReachClientsOfOpenAI(t *testing.T) {
	t.Parallel()
	chunks, err := anthropic.DecodeReply(read(t, "testdata/reply/tools.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r openai.ChatReply
	for _, c := range chunks {
		r.Add(c)
	}
	compare(t, "testdata/reply/tools.openai", append(r.AppendJSON(nil, turn, "claude", time.Unix(1, 0)), '\n'))
}

// A request of OpenAI's reaches Anthropic.
func TestRequestsOfOpenAIReachAnthropic(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/request/*.openai")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			body := read(t, file)
			request, err := openai.DecodeChatRequest(body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := anthropic.AppendRequest(nil, request.Model, &messages.Call{
				Items: request.Input, Options: request.Options, Stream: request.Stream,
				Passthrough: &messages.Passthrough{Format: messages.FormatOpenAIChat, Body: body},
			})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, strings.TrimSuffix(file, ".openai")+".json", append(got, '\n'))
		})
	}
}

// Nothing of a conversation is lost between the formats: what Anthropic is sent
// is read again as the same items.
func TestItemsOfOpenAISurviveAnthropic(t *testing.T) {
	t.Parallel()
	request, err := openai.DecodeChatRequest(read(t, "testdata/request/tools.openai"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := anthropic.AppendRequest(nil, request.Model, &messages.Call{Items: request.Input, Options: request.Options})
	if err != nil {
		t.Fatal(err)
	}
	again, err := anthropic.DecodeRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	type said struct{ kind, role, name, call, args, text string }
	list := func(items []messages.Item) (all []said) {
		for i := range items {
			x := &items[i]
			role := x.Role
			if role == messages.RoleDeveloper {
				role = messages.RoleSystem
			}
			all = append(all, said{string(x.Kind), string(role), x.Name, x.CallID, x.Args, x.Text()})
		}
		return all
	}
	if diff := cmp.Diff(list(request.Input), list(again.Input), cmp.AllowUnexported(said{})); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}
