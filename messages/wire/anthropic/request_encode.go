package anthropic

import (
	"example.com/parley/messages"
)

// Encoder writes requests. Its zero value is ready.
type Encoder struct {
	// MaxTokens is sent where the caller set none; 0 means DefaultMaxTokens.
	MaxTokens int
}

// AppendRequest writes call as the body of POST /v1/messages, as the zero
// [Encoder] does.
func AppendRequest(dst []byte, model string, call *messages.Call) ([]byte, error) {
	return Encoder{}.AppendRequest(dst, model, call)
}

// AppendRequest writes call as the body of POST /v1/messages behind dst. A
// request that came in this format goes out as it came, but for its model and
// stream. Its errors are *messages.Failure, with dst as it was.
func (e Encoder) AppendRequest(dst []byte, model string, call *messages.Call) ([]byte, error) {
	if original := call.Passthrough; original != nil && original.Format == messages.FormatAnthropic {
		return appendPassthrough(dst, model, call.Stream, original.Body)
	}
	if err := possible(&call.Options); err != nil {
		return dst, err
	}
	p, err := readItems(call.Items)
	if err != nil {
		return dst, err
	}
	able := abilitiesOf(model)
	pl := e.planThinking(able, &call.Options, p)

	w := begin(dst)
	w.string("model", model)
	w.int("max_tokens", pl.maxTokens)
	if call.Stream {
		w.bool("stream", true)
	}
	if len(p.system) > 0 {
		w.string("system", string(p.system))
	}
	w.name("messages")
	w.dst = p.appendMessages(w.dst)
	appendTools(&w, &call.Options, p.tools)
	appendSampling(&w, &call.Options, able.sampling && !pl.thinks())
	pl.appendThinking(&w, &call.Options)
	appendOther(&w, &call.Options)
	return w.end(), nil
}

// possible refuses what Anthropic's models cannot do, and what they would do
// differently enough to surprise.
func possible(o *messages.Options) error {
	switch {
	case o.N > 1:
		return unsupported("n", "Anthropic's models give one choice", "leave n out, or ask several times")
	case o.Logprobs || o.TopLogprobs != nil:
		return unsupported("logprobs", "Anthropic's models give no log probabilities", "leave logprobs out, or choose a model of another provider")
	case o.ResponseFormat != nil && o.ResponseFormat.Kind == messages.ResponseJSON:
		return unsupported("response_format", "Anthropic's models take no response format json_object",
			"use json_schema, or ask for JSON in the prompt and leave response_format out")
	}
	for _, stop := range o.Stop {
		if blank(stop) {
			return unsupported("stop", "Anthropic's models take no stop sequence of white space alone", "leave it out, or choose a model of another provider")
		}
	}
	for _, tool := range o.Tools {
		if tool.Raw != nil && o.ExtraFormat != messages.FormatAnthropic {
			return unsupported("tools", "a built-in tool of another provider cannot be given to Anthropic's models",
				"use function tools, or choose a model of that provider")
		}
	}
	return nil
}

func appendSampling(w *object, o *messages.Options, taken bool) {
	switch {
	case !taken:
	case o.Temperature != nil:
		w.number("temperature", min(max(*o.Temperature, 0), 1))
	case o.TopP != nil:
		w.number("top_p", *o.TopP)
	}
}

// appendOther writes what needs no thought: stop sequences, the user, and the
// members that came in this format and that Parley does not know.
func appendOther(w *object, o *messages.Options) {
	if len(o.Stop) > 0 {
		w.name("stop_sequences")
		stops := make([][]byte, len(o.Stop))
		for i, stop := range o.Stop {
			stops[i] = appendString(nil, stop)
		}
		w.dst = appendArray(w.dst, stops)
	}
	if o.User != "" && len(o.User) <= maxUser {
		w.name("metadata")
		m := begin(w.dst)
		m.string("user_id", o.User)
		w.dst = m.end()
	}
	if o.ExtraFormat != messages.FormatAnthropic {
		return
	}
	for _, field := range o.Extra {
		w.dst = appendString(append(w.dst, ','), field.Name)
		w.dst = append(append(w.dst, ':'), field.Value...)
	}
}

// maxUser is the longest user_id that Anthropic takes. A longer one is left out:
// it helps them to find abuse, and is no reason to fail.
const maxUser = 256
