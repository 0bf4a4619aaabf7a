package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/conversations"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"example.com/parley/bench/upstream/fake"
)

// goClient is the official Go client, unchanged but for its base URL and key,
// and what its tests share.
type goClient struct {
	openai.Client
	upstream *fake.Server
}

func TestOfficialGoClient(t *testing.T) {
	t.Parallel()
	server, upstream := clientsServer(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := goClient{
		Client: openai.NewClient(
			option.WithBaseURL(server.url+"/v1"), option.WithAPIKey(server.key), option.WithMaxRetries(0),
			option.WithHTTPClient(&http.Client{Transport: transport}), option.WithRequestTimeout(20*time.Second),
		),
		upstream: upstream,
	}
	for name, test := range map[string]func(t *testing.T, c goClient, model string){
		"chat, whole":            testGoChat,
		"chat, streamed":         testGoChatStream,
		"chat, tools":            testGoChatTools,
		"chat, streamed tools":   testGoChatStreamedTools,
		"chat, client leaves":    testGoChatAbort,
		"chat, time-out":         testGoChatTimeout,
		"errors":                 testGoErrors,
		"failure in a stream":    testGoStreamFailure,
		"responses, whole":       testGoResponses,
		"responses, streamed":    testGoResponsesStream,
		"responses, tools":       testGoResponsesTools,
		"conversations":          testGoConversations,
		"conversations, turns":   testGoConversationTurns,
		"responses, erased":      testGoResponsesDelete,
		"responses, client left": testGoResponsesAbort,
		"embeddings":             testGoEmbeddings,
	} {
		for provider, model := range map[string]string{"openai": "openai/fake", "anthropic": "anthropic/claude-fake"} {
			t.Run(name+"/"+provider, func(t *testing.T) {
				t.Parallel()
				test(t, client, model)
			})
		}
	}
}

func asking(model, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

// wantText wants an echo of so many changes of speaker that ends with words.
func wantText(t *testing.T, got string, turns int, words string) {
	t.Helper()
	pattern := fmt.Sprintf(`^\[%d/[0-9a-f]{16}\] %s$`, turns, regexp.QuoteMeta(words))
	if !regexp.MustCompile(pattern).MatchString(got) {
		t.Errorf("the text is %q, want %s", got, pattern)
	}
}

func testGoChat(t *testing.T, c goClient, model string) {
	reply, err := c.Chat.Completions.New(t.Context(), asking(model, "Hello there"))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, reply.Choices[0].Message.Content, 1, "Hello there")
	if reply.Choices[0].FinishReason != "stop" || reply.Usage.TotalTokens == 0 {
		t.Errorf("finish %q, usage %d; want stop and some", reply.Choices[0].FinishReason, reply.Usage.TotalTokens)
	}
}

func testGoChatStream(t *testing.T, c goClient, model string) {
	params := asking(model, "Hello there")
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	defer stream.Close() //nolint:errcheck // it was read to its end
	var whole openai.ChatCompletionAccumulator
	for stream.Next() {
		if !whole.AddChunk(stream.Current()) {
			t.Fatalf("a chunk does not belong to the others: %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	wantText(t, whole.Choices[0].Message.Content, 1, "Hello there")
	if whole.Usage.TotalTokens == 0 {
		t.Error("there is no usage")
	}
}

func weatherTool() openai.ChatCompletionToolUnionParam {
	return openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "weather", Parameters: shared.FunctionParameters{
			"type": "object", "properties": map[string]any{"query": map[string]any{"type": "string"}}, "required": []string{"query"},
		},
	})
}

func wantQuery(t *testing.T, arguments, want string) {
	t.Helper()
	var got struct{ Query string }
	if err := json.Unmarshal([]byte(arguments), &got); err != nil || got.Query != want {
		t.Errorf("the arguments are %s, want the query %q (%v)", arguments, want, err)
	}
}

func testGoChatTools(t *testing.T, c goClient, model string) {
	params := asking(model, "the weather in Oslo")
	params.Tools = []openai.ChatCompletionToolUnionParam{weatherTool()}
	first, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	call := first.Choices[0].Message.ToolCalls[0]
	wantQuery(t, call.Function.Arguments, "the weather in Oslo")
	params.Messages = append(params.Messages, first.Choices[0].Message.ToParam(), openai.ToolMessage("rain", call.ID))
	second, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, second.Choices[0].Message.Content, 3, "rain")
}

func testGoChatStreamedTools(t *testing.T, c goClient, model string) {
	params := asking(model+"-tools-2", "go")
	params.Tools = []openai.ChatCompletionToolUnionParam{weatherTool()}
	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	defer stream.Close() //nolint:errcheck // it was read to its end
	var whole openai.ChatCompletionAccumulator
	for stream.Next() {
		whole.AddChunk(stream.Current())
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	calls := whole.Choices[0].Message.ToolCalls
	if len(calls) != 2 {
		t.Fatalf("there are %d calls, want 2", len(calls))
	}
	for _, call := range calls {
		wantQuery(t, call.Function.Arguments, "go")
	}
}

// awaitAborted waits until the fake has noticed that a call of the model is
// over without having been answered.
func (c goClient) awaitAborted(t *testing.T, before int64) {
	t.Helper()
	eventually(t, "the provider's call to end", func() bool { return c.upstream.Calls().Aborted > before })
}

func testGoChatAbort(t *testing.T, c goClient, model string) {
	before := c.upstream.Calls().Aborted
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream := c.Chat.Completions.NewStreaming(ctx, asking(model+"-tokens-1000-interval-10ms", "Hello"))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	cancel()
	_ = stream.Close()
	c.awaitAborted(t, before)
}

func testGoChatTimeout(t *testing.T, c goClient, model string) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Chat.Completions.New(ctx, asking(model+"-delay-5s", "x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v, want the client's own deadline", err)
	}
}

func testGoErrors(t *testing.T, c goClient, model string) {
	for _, test := range []struct {
		model, code string
		status      int
		options     []option.RequestOption
	}{
		{model: "gtp-4o", code: "model_not_found", status: http.StatusNotFound},
		{model: model, code: "invalid_api_key", status: http.StatusUnauthorized, options: []option.RequestOption{option.WithAPIKey("pk_nobody_nothing")}},
		{model: model + "-fault-500", status: http.StatusBadGateway},
		{model: model + "-fault-429-retry-7", status: http.StatusTooManyRequests},
	} {
		_, err := c.Chat.Completions.New(t.Context(), asking(test.model, "x"), test.options...)
		refused, ok := errors.AsType[*openai.Error](err)
		if !ok || refused.StatusCode != test.status || test.code != "" && refused.Code != test.code {
			t.Errorf("%s: the error is %v, want status %d and code %q", test.model, err, test.status, test.code)
		}
	}
}

func testGoStreamFailure(t *testing.T, c goClient, model string) {
	stream := c.Chat.Completions.NewStreaming(t.Context(), asking(model+"-tokens-20-fault-error-after-5", "Hello"))
	defer stream.Close() //nolint:errcheck // it was read to its end
	var text strings.Builder
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			text.WriteString(choice.Delta.Content)
		}
	}
	if stream.Err() == nil {
		t.Error("the stream ended as if it were whole")
	}
	if !strings.HasPrefix(text.String(), "[1/") {
		t.Errorf("before the failure came %q, want the beginning of the reply", text.String())
	}
}

func wanting(model, text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)},
	}
}

func testGoResponses(t *testing.T, c goClient, model string) {
	first, err := c.Responses.New(t.Context(), wanting(model, "One"))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, first.OutputText(), 1, "One")
	params := wanting(model, "Two")
	params.PreviousResponseID = openai.String(first.ID)
	second, err := c.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, second.OutputText(), 3, "Two")
	again, err := c.Responses.Get(t.Context(), second.ID, responses.ResponseGetParams{})
	if err != nil {
		t.Fatal(err)
	}
	if again.OutputText() != second.OutputText() {
		t.Errorf("read again it is %q, want %q", again.OutputText(), second.OutputText())
	}
}

func testGoResponsesStream(t *testing.T, c goClient, model string) {
	stream := c.Responses.NewStreaming(t.Context(), wanting(model, "Hello there"))
	defer stream.Close() //nolint:errcheck // it was read to its end
	var text strings.Builder
	var kinds []string
	for stream.Next() {
		event := stream.Current()
		kinds = append(kinds, event.Type)
		if event.Type == "response.output_text.delta" {
			text.WriteString(event.Delta)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	wantText(t, text.String(), 1, "Hello there")
	if kinds[0] != "response.created" || kinds[len(kinds)-1] != "response.completed" {
		t.Errorf("the events are %v", kinds)
	}
}

func testGoResponsesTools(t *testing.T, c goClient, model string) {
	params := wanting(model, "the weather in Oslo")
	params.Tools = []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{
		Name: "weather", Strict: openai.Bool(true), Parameters: map[string]any{
			"type": "object", "properties": map[string]any{"query": map[string]any{"type": "string"}},
			"required": []string{"query"}, "additionalProperties": false,
		},
	}}}
	first, err := c.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	call := first.Output[len(first.Output)-1]
	wantQuery(t, call.Arguments.OfString, "the weather in Oslo")
	params.PreviousResponseID = openai.String(first.ID)
	params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
		{OfFunctionCallOutput: &responses.ResponseInputItemFunctionCallOutputParam{
			CallID: openai.String(call.CallID),
			Output: responses.ResponseInputItemFunctionCallOutputOutputUnionParam{OfString: openai.String("rain")},
		}},
	}}
	second, err := c.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, second.OutputText(), 3, "rain")
}

func testGoResponsesDelete(t *testing.T, c goClient, model string) {
	reply, err := c.Responses.New(t.Context(), wanting(model, "Hello"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Responses.Delete(t.Context(), reply.ID); err != nil {
		t.Fatal(err)
	}
	_, err = c.Responses.Get(t.Context(), reply.ID, responses.ResponseGetParams{})
	wantAbsent(t, err)
}

func wantAbsent(t *testing.T, err error) {
	t.Helper()
	if refused, ok := errors.AsType[*openai.Error](err); !ok || refused.StatusCode != http.StatusNotFound {
		t.Errorf("the error is %v, want 404", err)
	}
}

func testGoResponsesAbort(t *testing.T, c goClient, model string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream := c.Responses.NewStreaming(ctx, wanting(model+"-tokens-40-interval-10ms", "Hello"))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	id := stream.Current().Response.ID
	cancel()
	_ = stream.Close()
	eventually(t, "the response to be completed without its client", func() bool {
		reply, err := c.Responses.Get(t.Context(), id, responses.ResponseGetParams{})
		return err == nil && reply.Status == "completed" && strings.HasSuffix(reply.OutputText(), " word40")
	})
}

func testGoConversations(t *testing.T, c goClient, _ string) {
	made, err := c.Conversations.New(t.Context(), conversations.ConversationNewParams{Metadata: shared.Metadata{"topic": "demo"}})
	if err != nil {
		t.Fatal(err)
	}
	message := func(text string) responses.ResponseInputItemUnionParam {
		return responses.ResponseInputItemParamOfMessage(text, responses.EasyInputMessageRoleUser)
	}
	added, err := c.Conversations.Items.New(t.Context(), made.ID, conversations.ItemNewParams{
		Items: []responses.ResponseInputItemUnionParam{message("one"), message("two"), message("three")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Conversations.Items.Delete(t.Context(), made.ID, added.Data[1].ID); err != nil {
		t.Fatal(err)
	}
	var texts []string
	pages := c.Conversations.Items.ListAutoPaging(t.Context(), made.ID, conversations.ItemListParams{
		Order: conversations.ItemListParamsOrderAsc, Limit: openai.Int(1),
	})
	for pages.Next() {
		texts = append(texts, pages.Current().Content.OfMessageContentArray[0].Text)
	}
	if got := strings.Join(texts, " "); pages.Err() != nil || got != "one three" {
		t.Errorf("the items are %q (%v), want one three", got, pages.Err())
	}
	if _, err := c.Conversations.Delete(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = c.Conversations.Get(t.Context(), made.ID)
	wantAbsent(t, err)
}

func testGoConversationTurns(t *testing.T, c goClient, model string) {
	made, err := c.Conversations.New(t.Context(), conversations.ConversationNewParams{})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range []string{"One", "Two"} {
		params := wanting(model, text)
		params.Conversation = responses.ResponseNewParamsConversationUnion{OfString: openai.String(made.ID)}
		reply, err := c.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, reply.OutputText(), 2*i+1, text)
	}
}

func testGoEmbeddings(t *testing.T, c goClient, _ string) {
	made, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{
		Model: "parley-embedding", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"How do I sharpen a chisel?", "What do owls eat?"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Data) != 2 || len(made.Data[0].Embedding) != 256 || made.Data[1].Index != 1 || made.Usage.PromptTokens == 0 {
		t.Errorf("%d vectors, usage %+v", len(made.Data), made.Usage)
	}
}
