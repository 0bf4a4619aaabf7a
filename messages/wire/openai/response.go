package openai

import (
	"time"

	"example.com/parley/messages"
)

// AppendResponse writes a turn as a response object behind dst. output holds its
// output items.
func AppendResponse(dst []byte, r *messages.TurnRecord, output []messages.Item) []byte {
	w := begin(dst)
	w.string("id", ResponseID(r.ID))
	w.string("object", "response")
	w.int("created_at", r.Created.Unix())
	w.string("status", string(r.Status))
	w.time("completed_at", completed(r))
	w.bool("background", r.Background)
	w.responseError(r)
	w.incomplete(r)
	w.stringOrNull("instructions", r.Instructions)
	w.string("model", r.Model)
	w.array("output", len(output), func(dst []byte, i int) []byte { return AppendItem(dst, &output[i]) })
	w.whereKept(r)
	w.responseOptions(&r.Options)
	w.responseTools(&r.Options)
	w.responseExtra(r)
	w.responseUsage(r)
	return w.end()
}

// AppendResponseDeleted writes what DELETE /v1/responses/{id} answers.
func AppendResponseDeleted(dst []byte, id messages.TurnID) []byte {
	return appendDeleted(dst, ResponseID(id), "response")
}

func appendDeleted(dst []byte, id, object string) []byte {
	w := begin(dst)
	w.string("id", id)
	w.string("object", object)
	w.bool("deleted", true)
	return w.end()
}

func completed(r *messages.TurnRecord) time.Time {
	if r.Status != messages.TurnComplete {
		return time.Time{}
	}
	return r.Ended
}

// time writes seconds since 1970, or null for no time.
func (o *object) time(name string, t time.Time) {
	if t.IsZero() {
		o.null(name)
		return
	}
	o.int(name, t.Unix())
}

func (o *object) responseError(r *messages.TurnRecord) {
	if r.Status != messages.TurnFailed {
		o.null("error")
		return
	}
	code := r.FailureCode
	if code == "" {
		code = messages.CodeInternal
	}
	o.name("error")
	w := begin(o.dst)
	w.string("code", string(code))
	w.string("message", r.FailureText)
	o.dst = w.end()
}

func (o *object) incomplete(r *messages.TurnRecord) {
	if r.Status != messages.TurnPartial {
		o.null("incomplete_details")
		return
	}
	o.name("incomplete_details")
	w := begin(o.dst)
	w.string("reason", r.Reason)
	o.dst = w.end()
}

// whereKept says what the response belongs to. A private conversation is known
// by its responses alone.
func (o *object) whereKept(r *messages.TurnRecord) {
	kept := r.Ref.Conversation != ""
	o.bool("store", kept)
	if kept && !r.Private {
		o.name("conversation")
		w := begin(o.dst)
		w.string("id", string(r.Ref.Conversation))
		o.dst = w.end()
	} else {
		o.null("conversation")
	}
	if r.After.IsZero() {
		o.null("previous_response_id")
	} else {
		o.string("previous_response_id", ResponseID(r.After))
	}
}

func (o *object) responseOptions(options *messages.Options) {
	o.intOrNull("max_output_tokens", options.MaxTokens)
	o.numberOrNull("temperature", options.Temperature)
	o.numberOrNull("top_p", options.TopP)
	o.intOrNull("top_logprobs", options.TopLogprobs)
	o.bool("parallel_tool_calls", options.ParallelToolCalls == nil || *options.ParallelToolCalls)
	o.name("reasoning")
	w := begin(o.dst)
	var reasoning messages.Reasoning
	if options.Reasoning != nil {
		reasoning = *options.Reasoning
	}
	w.stringOrNull("effort", reasoning.Effort)
	w.stringOrNull("summary", reasoning.Summary)
	o.dst = w.end()
	o.textConfig(options)
	o.stringOrNull("user", options.User)
	o.name("metadata")
	o.dst = appendMetadata(o.dst, options.Metadata)
}

func (o *object) intOrNull(name string, value *int) {
	if value == nil {
		o.null(name)
		return
	}
	o.int(name, int64(*value))
}

func (o *object) numberOrNull(name string, value *float64) {
	if value == nil {
		o.null(name)
		return
	}
	o.number(name, *value)
}

func (o *object) textConfig(options *messages.Options) {
	o.name("text")
	w := begin(o.dst)
	w.name("format")
	f := begin(w.dst)
	format := options.ResponseFormat
	switch {
	case format == nil:
		f.string("type", string(messages.ResponseText))
	case format.Kind == messages.ResponseJSONSchema:
		f.string("type", string(format.Kind))
		f.schema(format)
	default:
		f.string("type", string(format.Kind))
	}
	w.dst = f.end()
	if verbosity := own(options, "verbosity"); verbosity != nil {
		w.raw("verbosity", verbosity)
	}
	o.dst = w.end()
}

// own returns a member that the request had in the Responses format, or nil.
func own(options *messages.Options, name string) []byte {
	if options.ExtraFormat != messages.FormatOpenAIResponses {
		return nil
	}
	for _, field := range options.Extra {
		if field.Name == name {
			return field.Value
		}
	}
	return nil
}

// responseTools writes the tools as they were asked for, those of another format
// left out.
func (o *object) responseTools(options *messages.Options) {
	tools := make([]*messages.Tool, 0, len(options.Tools))
	for i := range options.Tools {
		if options.Tools[i].Raw == nil || options.ExtraFormat == messages.FormatOpenAIResponses {
			tools = append(tools, &options.Tools[i])
		}
	}
	o.array("tools", len(tools), func(dst []byte, i int) []byte { return appendFlatTool(dst, tools[i]) })
	choice := own(options, "tool_choice")
	switch {
	case choice != nil:
		o.raw("tool_choice", choice)
	case options.ToolChoice == nil:
		o.string("tool_choice", string(messages.ToolAuto))
	case options.ToolChoice.Mode != messages.ToolFunction:
		o.string("tool_choice", string(options.ToolChoice.Mode))
	default:
		o.name("tool_choice")
		w := begin(o.dst)
		w.string("type", toolFunction)
		w.string("name", options.ToolChoice.Name)
		o.dst = w.end()
	}
}

func appendFlatTool(dst []byte, tool *messages.Tool) []byte {
	if tool.Raw != nil {
		return append(dst, tool.Raw...)
	}
	w := begin(dst)
	w.string("type", toolFunction)
	w.string("name", tool.Name)
	w.stringOrNull("description", tool.Description)
	if tool.Parameters == nil {
		w.null("parameters")
	} else {
		w.raw("parameters", tool.Parameters)
	}
	if tool.Strict == nil {
		w.null("strict")
	} else {
		w.bool("strict", *tool.Strict)
	}
	return w.end()
}

// responseExtra writes what the request said that Parley does not act on.
func (o *object) responseExtra(r *messages.TurnRecord) {
	if truncation := own(&r.Options, "truncation"); truncation != nil {
		o.raw("truncation", truncation)
	} else {
		o.string("truncation", "disabled")
	}
	for _, name := range [...]string{"max_tool_calls", "prompt_cache_key", "safety_identifier"} {
		if value := own(&r.Options, name); value != nil {
			o.raw(name, value)
		} else {
			o.null(name)
		}
	}
	o.stringOrNull("service_tier", r.Served.ServiceTier)
}

func (o *object) responseUsage(r *messages.TurnRecord) {
	if r.Status == messages.TurnRunning || r.Usage == (messages.Usage{}) {
		o.null("usage")
		return
	}
	o.name("usage")
	w := begin(o.dst)
	w.int("input_tokens", int64(r.Usage.Input))
	w.name("input_tokens_details")
	in := begin(w.dst)
	in.int("cached_tokens", int64(r.Usage.Cached))
	in.int("cache_write_tokens", int64(r.Usage.CacheWrite))
	w.dst = in.end()
	w.int("output_tokens", int64(r.Usage.Output))
	w.name("output_tokens_details")
	out := begin(w.dst)
	out.int("reasoning_tokens", int64(r.Usage.Reasoning))
	w.dst = out.end()
	w.int("total_tokens", int64(r.Usage.Total()))
	w.continued(&r.Served)
	o.dst = w.end()
}
