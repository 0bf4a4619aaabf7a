package openai

import (
	"example.com/parley/messages"
)

// ChatRequest is a request to POST /v1/chat/completions.
type ChatRequest struct {
	Model        string
	Stream       bool
	IncludeUsage bool  // the stream is to end with a chunk of usage
	Store        *bool // nil: not said
	Input        []messages.Item
	Options      messages.Options
}

// chatRequestReader reads a ChatRequest.
type chatRequestReader struct {
	*reader
	request       ChatRequest
	messages      bool
	streamOptions bool
	oldLimit      *int // max_tokens, the name before max_completion_tokens
}

// DecodeChatRequest reads a request and checks it. Nothing of it aliases body.
// Its errors are *messages.Failure, with the field as Param.
func DecodeChatRequest(body []byte) (*ChatRequest, error) {
	r := chatRequestReader{reader: newReader(body)}
	defer r.release()
	err := r.object(r.member)
	if err == nil {
		err = r.end()
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, refusal(err, body)
	}
	return &r.request, nil
}

func (r *chatRequestReader) member(name []byte) (err error) {
	switch string(name) {
	case "model":
		r.request.Model, err = r.model()
	case "messages":
		r.messages = true
		r.request.Input, err = r.chatMessages()
	case "stream":
		r.request.Stream, err = r.bool()
	case "stream_options":
		r.streamOptions = true
		err = r.object(r.streamOption)
	case "store":
		r.request.Store, err = r.choice()
	default:
		return r.option(name)
	}
	return err
}

func (r *chatRequestReader) option(name []byte) (err error) {
	o := &r.request.Options
	if known, err := r.setting(name, o); known {
		return err
	}
	switch string(name) {
	case "max_completion_tokens":
		o.MaxTokens, err = r.tokens()
	case "max_tokens":
		r.oldLimit, err = r.tokens()
	case "n":
		var n *int
		if n, err = r.count(1, maxChoices); n != nil {
			o.N = *n
		}
	case "presence_penalty":
		o.PresencePenalty, err = r.within(-2, 2)
	case "frequency_penalty":
		o.FrequencyPenalty, err = r.within(-2, 2)
	case "seed":
		var seed int64
		seed, err = r.integer()
		o.Seed = &seed
	case "stop":
		o.Stop, err = r.stop()
	case "logprobs":
		o.Logprobs, err = r.bool()
	default:
		return r.toolOption(name)
	}
	return err
}

func (r *chatRequestReader) toolOption(name []byte) (err error) {
	o := &r.request.Options
	switch string(name) {
	case "tools":
		o.Tools, err = r.tools(false)
	case "tool_choice":
		err = r.toolChoice(o, false)
	case "response_format":
		var raw []byte
		if o.ResponseFormat, raw, err = r.responseFormat(false); raw != nil {
			o.Extra = append(o.Extra, messages.Field{Name: "response_format", Value: raw})
		}
	case "reasoning_effort":
		o.Reasoning = &messages.Reasoning{}
		o.Reasoning.Effort, err = r.string()
	default:
		err = r.extra(name, o)
	}
	return err
}

func (r *chatRequestReader) streamOption(name []byte) (err error) {
	if string(name) != "include_usage" {
		return r.skip()
	}
	r.request.IncludeUsage, err = r.bool()
	return err
}

// stop reads one sequence or several.
func (r *chatRequestReader) stop() (stop []string, err error) {
	if r.isString() {
		sequence, err := r.string()
		return []string{sequence}, err
	}
	if !r.isArray() {
		return nil, r.mismatch("a string or an array of strings")
	}
	err = r.array(maxStop, func(int) error {
		sequence, err := r.string()
		stop = append(stop, sequence)
		return err
	})
	return stop, err
}

// check holds the rules between members, and ends the request.
func (r *chatRequestReader) check() error {
	q := &r.request
	if q.Options.MaxTokens == nil {
		q.Options.MaxTokens = r.oldLimit
	}
	if hasOwn(&q.Options) {
		q.Options.ExtraFormat = messages.FormatOpenAIChat
	}
	switch {
	case q.Model == "":
		return noModel()
	case !r.messages:
		return invalid("messages", "is missing", "send at least one message")
	case len(q.Input) == 0:
		return invalid("messages", "is empty", "send at least one message")
	case r.streamOptions && !q.Stream:
		return invalid("stream_options", "needs stream", "send stream: true with it, or leave it out")
	}
	return checkLogprobs(&q.Options)
}

// hasOwn tells whether something in the options is of the request's own format.
func hasOwn(o *messages.Options) bool {
	if len(o.Extra) > 0 {
		return true
	}
	for i := range o.Tools {
		if o.Tools[i].Raw != nil {
			return true
		}
	}
	return false
}
