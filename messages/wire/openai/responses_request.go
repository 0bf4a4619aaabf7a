package openai

import "example.com/parley/messages"

// ResponsesRequest is a request to POST /v1/responses.
type ResponsesRequest struct {
	Model              string
	Instructions       string // for this turn alone
	Stream             bool
	Store              *bool // nil: not said, which means true
	Background         bool
	Conversation       string // id; never together with PreviousResponseID
	PreviousResponseID string
	Input              []messages.Item
	Options            messages.Options
}

// responsesRequestReader reads a ResponsesRequest.
type responsesRequestReader struct {
	*reader
	request ResponsesRequest
	input   bool
}

// DecodeResponsesRequest reads a request and checks it. Nothing of it aliases
// body. Its errors are *messages.Failure, with the field as Param.
func DecodeResponsesRequest(body []byte) (*ResponsesRequest, error) {
	r := responsesRequestReader{reader: newReader(body)}
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

func (r *responsesRequestReader) member(name []byte) (err error) {
	q := &r.request
	switch string(name) {
	case "model":
		q.Model, err = r.model()
	case "input":
		r.input = true
		q.Input, err = r.responsesInput()
	case "instructions":
		q.Instructions, err = r.string()
	case "stream":
		q.Stream, err = r.bool()
	case "store":
		q.Store, err = r.choice()
	case "background":
		q.Background, err = r.bool()
	case "conversation":
		q.Conversation, err = r.conversation()
	case "previous_response_id":
		q.PreviousResponseID, err = r.string()
	case "stream_options": // about obfuscation, which there is none of
		err = r.object(func([]byte) error { return r.skip() })
	default:
		return r.option(name)
	}
	return err
}

func (r *responsesRequestReader) option(name []byte) (err error) {
	o := &r.request.Options
	if known, err := r.setting(name, o); known {
		return err
	}
	switch string(name) {
	case "max_output_tokens":
		o.MaxTokens, err = r.tokens()
	case "tools":
		o.Tools, err = r.tools(true)
	case "tool_choice":
		err = r.toolChoice(o, true)
	case "reasoning":
		o.Reasoning = &messages.Reasoning{}
		err = r.object(r.reasoningOption)
	case "text":
		err = r.object(r.textOption)
	case "truncation":
		err = r.oneOf(name, o, "auto", "disabled")
	case "prompt":
		err = r.unsupported("names a prompt that OpenAI keeps", "send the prompt as instructions and input")
	default:
		err = r.extra(name, o)
	}
	return err
}

func (r *responsesRequestReader) reasoningOption(name []byte) (err error) {
	reasoning := r.request.Options.Reasoning
	switch string(name) {
	case "effort":
		reasoning.Effort, err = r.string()
	case "summary", "generate_summary": // the second is the older name
		reasoning.Summary, err = r.string()
	default:
		err = r.skip()
	}
	return err
}

func (r *responsesRequestReader) textOption(name []byte) (err error) {
	o := &r.request.Options
	switch string(name) {
	case "format":
		var raw []byte
		if o.ResponseFormat, raw, err = r.responseFormat(true); raw != nil {
			return r.unsupportedAt("is of a type that no provider of another format has", `send "text", "json_object" or "json_schema"`)
		}
	case "verbosity":
		err = r.oneOf(name, o, "low", "medium", "high")
	default:
		err = r.skip()
	}
	return err
}

// oneOf keeps a member as it is, once it is one of the words.
func (r *reader) oneOf(name []byte, o *messages.Options, words ...string) error {
	member := string(name)
	word, err := r.string()
	if err != nil {
		return err
	}
	for _, known := range words {
		if word == known {
			o.Extra = append(o.Extra, messages.Field{Name: member, Value: appendString(nil, word)})
			return nil
		}
	}
	return invalid(r.path(), "is none of its values", "send one of "+sentence(words))
}

// conversation reads an id, or an object that has one.
func (r *reader) conversation() (id string, err error) {
	if r.isString() {
		return r.string()
	}
	if !r.isObject() {
		return "", r.mismatch("a string or an object")
	}
	err = r.object(func(name []byte) (err error) {
		if string(name) != "id" {
			return r.skip()
		}
		id, err = r.string()
		return err
	})
	if err == nil && id == "" {
		err = invalid("conversation.id", "is missing", "send the conversation's id")
	}
	return id, err
}

// check holds the rules between members, and ends the request.
func (r *responsesRequestReader) check() error {
	q := &r.request
	if hasOwn(&q.Options) {
		q.Options.ExtraFormat = messages.FormatOpenAIResponses
	}
	if q.Options.TopLogprobs != nil && *q.Options.TopLogprobs > 0 {
		q.Options.Logprobs = true // asking for them is what turns them on here
	}
	switch {
	case q.Model == "":
		return noModel()
	case !r.input:
		return invalid("input", "is missing", "send a string or an array of items")
	case len(q.Input) == 0:
		return invalid("input", "is empty", "send at least one item")
	case q.Conversation != "" && q.PreviousResponseID != "":
		return invalid("previous_response_id", "excludes conversation", "send one of the two")
	}
	return nil
}

// unsupported reads over the next value and refuses it: it is right, but Parley
// cannot do it.
func (r *reader) unsupported(wrong, do string) error {
	if err := r.skip(); err != nil {
		return err
	}
	return r.unsupportedAt(wrong, do)
}

// unsupportedAt refuses the value that was read last.
func (r *reader) unsupportedAt(wrong, do string) error {
	f := invalid(r.path(), wrong, do)
	f.Code = messages.CodeUnsupported
	return f
}
