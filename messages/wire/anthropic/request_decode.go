package anthropic

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// Request is a decoded body of POST /v1/messages.
type Request struct {
	Model     string
	Stream    bool
	MaxTokens int // also in Options
	Input     []messages.Item
	Options   messages.Options
}

// requestBody has the members that are understood; Rest has all others.
type requestBody struct {
	Model       string           `json:"model"`
	MaxTokens   *int             `json:"max_tokens"`
	Stream      bool             `json:"stream"`
	System      content          `json:"system"`
	Messages    messageList      `json:"messages"`
	Tools       []jsontext.Value `json:"tools"`
	ToolChoice  *toolChoice      `json:"tool_choice"`
	Temperature *float64         `json:"temperature"`
	TopP        *float64         `json:"top_p"`
	Stop        []string         `json:"stop_sequences"`
	Metadata    struct {
		UserID string `json:"user_id"`
	} `json:"metadata"`
	Thinking     jsontext.Value `json:"thinking"`
	OutputConfig jsontext.Value `json:"output_config"`
	Rest         jsontext.Value `json:",embed"`
}

type requestMessage struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
}

type messageList []requestMessage

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (l *messageList) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	*l, err = readList[requestMessage](d, maxMessages)
	return err
}

type toolChoice struct {
	Type            string `json:"type"`
	Name            string `json:"name"`
	DisableParallel bool   `json:"disable_parallel_tool_use"`
}

// DecodeRequest reads the body of a request. What Parley does not know is kept
// in Options.Extra and in parts of [messages.PartOther], for a provider of the
// same format; where the marks of a prompt cache stood is only in the body
// itself. Its errors are *messages.Failure that name the member to blame.
func DecodeRequest(body []byte) (*Request, error) {
	if tooDeep(body) {
		return nil, &messages.Failure{
			Code: messages.CodeInvalidJSON, What: fmt.Sprintf("the request's body nests deeper than %d levels", maxDepth),
			Do: "send a flatter document",
		}
	}
	var b requestBody
	if err := json.Unmarshal(body, &b); err != nil {
		return nil, badRequest(err)
	}
	if err := b.missing(); err != nil {
		return nil, err
	}
	input, err := b.items()
	if err != nil {
		return nil, err
	}
	options, err := b.options()
	if err != nil {
		return nil, err
	}
	return &Request{Model: b.Model, Stream: b.Stream, MaxTokens: *b.MaxTokens, Input: input, Options: options}, nil
}

func (b *requestBody) missing() error {
	switch {
	case b.Model == "":
		return invalid("model", "model is missing", "name a model that GET /v1/models lists")
	case b.MaxTokens == nil:
		return invalid("max_tokens", "max_tokens is missing", "say how many tokens the reply may have")
	case *b.MaxTokens < 1:
		return invalid("max_tokens", "max_tokens is "+strconv.Itoa(*b.MaxTokens), "give a number above 0")
	case len(b.Tools) > maxTools:
		return invalid("tools", fmt.Sprintf("tools has more than %d elements", maxTools), "send fewer")
	case len(b.Messages) == 0:
		return invalid("messages", "messages is missing or empty", "give at least one message")
	}
	return nil
}

// items reads system and messages.
func (b *requestBody) items() ([]messages.Item, error) {
	items := make([]messages.Item, 0, len(b.Messages)+1)
	if len(b.System) > 0 {
		items = append(items, messages.Item{Kind: messages.ItemMessage, Role: messages.RoleSystem, Parts: b.System.parts()})
	}
	for i := range b.Messages {
		m := &b.Messages[i]
		switch m.Role {
		case roleUser:
			items = m.Content.appendUser(items)
		case roleAssistant:
			items = m.Content.appendAssistant(items)
		default:
			return nil, invalid(fmt.Sprintf("messages[%d].role", i), "a message's role is neither user nor assistant",
				"put a system prompt into system")
		}
	}
	return items, nil
}

func (b *requestBody) options() (messages.Options, error) {
	o := messages.Options{
		MaxTokens: b.MaxTokens, Temperature: b.Temperature, TopP: b.TopP, Stop: b.Stop, User: b.Metadata.UserID,
	}
	if err := b.addTools(&o); err != nil {
		return o, err
	}
	if err := b.addThinking(&o); err != nil {
		return o, err
	}
	if err := b.addRest(&o); err != nil {
		return o, err
	}
	if len(o.Extra) > 0 || hasRaw(o.Tools) {
		o.ExtraFormat = messages.FormatAnthropic
	}
	return o, nil
}

func hasRaw(tools []messages.Tool) bool {
	for i := range tools {
		if tools[i].Raw != nil {
			return true
		}
	}
	return false
}

// addRest keeps the members that are not understood, in their order.
func (b *requestBody) addRest(o *messages.Options) error {
	if len(b.Rest) == 0 {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(b.Rest))
	if _, err := d.ReadToken(); err != nil {
		return badRequest(err)
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return badRequest(err)
		}
		field := messages.Field{Name: name.String()}
		value, err := d.ReadValue()
		if err != nil {
			return badRequest(err)
		}
		field.Value = bytes.Clone(value)
		o.Extra = append(o.Extra, field)
	}
	return nil
}

// addThinking reads thinking and output_config in terms of the other formats,
// and keeps them as they are for a provider of this one.
func (b *requestBody) addThinking(o *messages.Options) error {
	var thinking struct {
		Type   string `json:"type"`
		Budget int    `json:"budget_tokens"`
	}
	var config struct {
		Effort string `json:"effort"`
		Format struct {
			Type   string         `json:"type"`
			Schema jsontext.Value `json:"schema"`
		} `json:"format"`
	}
	if err := b.member("thinking", b.Thinking, &thinking, o); err != nil {
		return err
	}
	if err := b.member("output_config", b.OutputConfig, &config, o); err != nil {
		return err
	}
	effort := config.Effort
	switch {
	case thinking.Type == "enabled" && effort == "":
		effort = effortFor(thinking.Budget)
	case thinking.Type == "adaptive" && effort == "":
		effort = "high" // what Anthropic takes it for
	case thinking.Type == "disabled":
		effort = "none"
	}
	if effort != "" {
		o.Reasoning = &messages.Reasoning{Effort: effort}
	}
	if config.Format.Type == "json_schema" {
		o.ResponseFormat = &messages.ResponseFormat{
			Kind: messages.ResponseJSONSchema, Name: "response", Schema: []byte(config.Format.Schema),
		}
	}
	return nil
}

// member reads a member into v and keeps it.
func (b *requestBody) member(name string, value jsontext.Value, v any, o *messages.Options) error {
	if len(value) == 0 || value.Kind() == 'n' {
		return nil
	}
	if err := json.Unmarshal(value, v); err != nil {
		return invalid(name, name+" has a member of a wrong type", "see Anthropic's reference of "+name)
	}
	o.Extra = append(o.Extra, messages.Field{Name: name, Value: []byte(value)})
	return nil
}

// effortFor is the least effort whose budget is not below the given one.
func effortFor(budget int) string {
	for _, effort := range [...]string{"minimal", "low", "medium", "high"} {
		if budget <= thinkingTokens(effort) {
			return effort
		}
	}
	return "xhigh"
}

// invalid is the failure of a request that has a fault in the member param.
func invalid(param, what, do string) *messages.Failure {
	return &messages.Failure{Code: messages.CodeInvalidRequest, Param: param, What: what, Do: do}
}

// badRequest says where a body is no JSON, or has a value that cannot stand there.
func badRequest(err error) *messages.Failure {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return wrongValue(semantic)
	}
	f := &messages.Failure{
		Code: messages.CodeInvalidJSON, What: "the request's body is not valid JSON",
		Do: "send one JSON object, in UTF-8, without a name that comes twice", Cause: err,
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		f.What += fmt.Sprintf(": see byte %d", syntactic.ByteOffset)
		f.Param = pathOf(syntactic.JSONPointer)
	}
	return f
}

func wrongValue(err *json.SemanticError) *messages.Failure {
	path := pathOf(err.JSONPointer)
	f := invalid(path, path+" has a value of a wrong type", "see the reference of the Messages API")
	if path == "" {
		f.What = "the request's body is no JSON object"
	}
	if list, ok := errors.AsType[*listError](err.Err); ok {
		f.What, f.Do = path+" has "+list.Error(), "send fewer"
	}
	f.Cause = err
	return f
}

// pathOf writes /messages/2/content as messages[2].content. It stops before a
// name that no member of the format has, since that is the client's content.
func pathOf(pointer jsontext.Pointer) string {
	var path strings.Builder
	for token := range pointer.Tokens() {
		switch {
		case isIndex(token):
			path.WriteString("[" + token + "]")
		case !isMemberName(token):
			return path.String()
		case path.Len() > 0:
			path.WriteString("." + token)
		default:
			path.WriteString(token)
		}
	}
	return path.String()
}

func isIndex(token string) bool {
	_, err := strconv.ParseUint(token, 10, 31)
	return err == nil
}

// isMemberName tells whether the token looks like one of the format's names.
func isMemberName(token string) bool {
	const longest = 30
	return len(token) <= longest && !strings.ContainsFunc(token, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
}
