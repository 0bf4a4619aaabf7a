package openai

import (
	"fmt"
	"strings"

	"example.com/parley/messages"
)

// AppendChatRequest writes the call for a model of a provider of the chat format
// behind dst. A call that came in this format goes as its client wrote it, but
// for model, stream and stream_options; any other is built from its items and
// options. A stream is always asked for its usage. Errors are *messages.Failure.
func AppendChatRequest(dst []byte, model string, call *messages.Call) ([]byte, error) {
	if p := call.Passthrough; p != nil && p.Format == messages.FormatOpenAIChat {
		return appendPassthrough(dst, model, call.Stream, p.Body)
	}
	w := begin(dst)
	w.string("model", model)
	w.name("messages")
	var err error
	if w.dst, err = appendMessages(w.dst, call.Items); err != nil {
		return dst, err
	}
	w.bool("stream", call.Stream)
	if call.Stream {
		w.raw("stream_options", []byte(`{"include_usage":true}`))
	}
	w.sampling(&call.Options)
	w.limits(model, &call.Options)
	if err := w.chatTools(&call.Options); err != nil {
		return dst, err
	}
	w.chatFormat(call.Options.ResponseFormat)
	w.chatExtra(&call.Options)
	return w.end(), nil
}

func (o *object) sampling(options *messages.Options) {
	for _, setting := range [...]struct {
		name  string
		value *float64
	}{
		{"temperature", options.Temperature},
		{"top_p", options.TopP},
		{"presence_penalty", options.PresencePenalty},
		{"frequency_penalty", options.FrequencyPenalty},
	} {
		if setting.value != nil {
			o.number(setting.name, *setting.value)
		}
	}
	if options.Seed != nil {
		o.int("seed", *options.Seed)
	}
	if options.Logprobs {
		o.bool("logprobs", true)
	}
	if options.TopLogprobs != nil && options.Logprobs {
		o.int("top_logprobs", int64(*options.TopLogprobs))
	}
	if options.Reasoning != nil && options.Reasoning.Effort != "" {
		o.string("reasoning_effort", options.Reasoning.Effort)
	}
}

func (o *object) limits(model string, options *messages.Options) {
	if options.MaxTokens != nil {
		o.int(limitName(model), int64(*options.MaxTokens))
	}
	if options.N > 1 {
		o.int("n", int64(options.N))
	}
	if len(options.Stop) > 0 {
		o.array("stop", len(options.Stop), func(dst []byte, i int) []byte { return appendString(dst, options.Stop[i]) })
	}
	if options.User != "" {
		o.string("user", options.User)
	}
}

// limitName is what a model's server calls the limit of output tokens. OpenAI's
// reasoning models refuse max_tokens; many other servers know nothing else.
func limitName(model string) string {
	name := strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	reasoning := len(name) > 1 && name[0] == 'o' && name[1] >= '1' && name[1] <= '9'
	if reasoning || strings.Contains(name, "gpt-") && !strings.Contains(name, "gpt-oss") {
		return "max_completion_tokens"
	}
	return "max_tokens"
}

// chatTools writes the tools and how to choose among them. A choice without
// tools is refused by OpenAI, and means nothing.
func (o *object) chatTools(options *messages.Options) error {
	if len(options.Tools) == 0 {
		return nil
	}
	for i := range options.Tools {
		if options.Tools[i].Raw != nil && options.ExtraFormat != messages.FormatOpenAIChat {
			return unsupportedTool(i, options.ExtraFormat)
		}
	}
	o.array("tools", len(options.Tools), func(dst []byte, i int) []byte { return appendChatTool(dst, &options.Tools[i]) })
	if options.ToolChoice != nil {
		o.chatToolChoice(options.ToolChoice)
	}
	if options.ParallelToolCalls != nil {
		o.bool("parallel_tool_calls", *options.ParallelToolCalls)
	}
	return nil
}

func unsupportedTool(i int, format messages.Format) error {
	return &messages.Failure{
		Code: messages.CodeUnsupported, Param: at("tools", i), NoRetry: true,
		What: fmt.Sprintf("%s is a tool of the format %s that this model's provider does not have", at("tools", i), format),
		Do:   "send tools of the type function, or ask a model of a provider of that format",
	}
}

func appendChatTool(dst []byte, tool *messages.Tool) []byte {
	if tool.Raw != nil {
		return append(dst, tool.Raw...)
	}
	w := begin(dst)
	w.string("type", toolFunction)
	w.name("function")
	f := begin(w.dst)
	f.function(tool)
	w.dst = f.end()
	return w.end()
}

// function writes the members of a function's definition.
func (o *object) function(tool *messages.Tool) {
	o.string("name", tool.Name)
	if tool.Description != "" {
		o.string("description", tool.Description)
	}
	if tool.Parameters != nil {
		o.raw("parameters", tool.Parameters)
	}
	if tool.Strict != nil {
		o.bool("strict", *tool.Strict)
	}
}

func (o *object) chatToolChoice(choice *messages.ToolChoice) {
	if choice.Mode != messages.ToolFunction {
		o.string("tool_choice", string(choice.Mode))
		return
	}
	o.name("tool_choice")
	w := begin(o.dst)
	w.string("type", toolFunction)
	w.name("function")
	f := begin(w.dst)
	f.string("name", choice.Name)
	w.dst = f.end()
	o.dst = w.end()
}

func (o *object) chatFormat(format *messages.ResponseFormat) {
	if format == nil {
		return
	}
	o.name("response_format")
	w := begin(o.dst)
	w.string("type", string(format.Kind))
	if format.Kind == messages.ResponseJSONSchema {
		w.name("json_schema")
		s := begin(w.dst)
		s.schema(format)
		w.dst = s.end()
	}
	o.dst = w.end()
}

// schema writes what a format of the kind json_schema says of its schema.
func (o *object) schema(format *messages.ResponseFormat) {
	o.string("name", format.Name)
	if format.Description != "" {
		o.string("description", format.Description)
	}
	if format.Schema != nil {
		o.raw("schema", format.Schema)
	}
	if format.Strict != nil {
		o.bool("strict", *format.Strict)
	}
}

// chatExtra writes the members that Parley does not know: all of this format,
// and of the Responses format those that mean the same here.
func (o *object) chatExtra(options *messages.Options) {
	for _, field := range options.Extra {
		if options.ExtraFormat == messages.FormatOpenAIChat || isShared(field.Name) {
			member := append(appendString(nil, field.Name), ':')
			o.members(append(member, field.Value...))
		}
	}
}

// isShared tells whether a member has one meaning in both of OpenAI's formats.
func isShared(name string) bool {
	switch name {
	case "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "verbosity":
		return true
	default:
		return false
	}
}
