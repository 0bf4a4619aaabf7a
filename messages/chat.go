package messages

import "encoding/json"

// Format names a wire format that somebody else defined.
type Format string

// The formats that are read and written, see messages/wire.
const (
	FormatOpenAIChat      Format = "openai.chat"
	FormatOpenAIResponses Format = "openai.responses"
	FormatAnthropic       Format = "anthropic.messages"
)

// Options are the settings of one call to a model. A nil pointer means that the
// caller left it to the provider. Its JSON is what the store keeps.
type Options struct {
	MaxTokens         *int              `json:"max_tokens,omitempty"` // of output, reasoning included
	Temperature       *float64          `json:"temperature,omitempty"`
	TopP              *float64          `json:"top_p,omitempty"`
	PresencePenalty   *float64          `json:"presence_penalty,omitempty"`
	FrequencyPenalty  *float64          `json:"frequency_penalty,omitempty"`
	Seed              *int64            `json:"seed,omitempty"`
	Stop              []string          `json:"stop,omitempty"`
	N                 int               `json:"n,omitempty"` // choices; 0 and 1 mean one
	Tools             []Tool            `json:"tools,omitempty"`
	ToolChoice        *ToolChoice       `json:"tool_choice,omitempty"`
	ParallelToolCalls *bool             `json:"parallel_tool_calls,omitempty"`
	ResponseFormat    *ResponseFormat   `json:"response_format,omitempty"`
	Reasoning         *Reasoning        `json:"reasoning,omitempty"`
	Logprobs          bool              `json:"logprobs,omitempty"`
	TopLogprobs       *int              `json:"top_logprobs,omitempty"`
	User              string            `json:"user,omitempty"`
	Metadata          map[string]string `json:"metadata,omitempty"`
	// Extra holds the members that Parley does not know, for a provider of
	// the format ExtraFormat. Their order is that of the request.
	Extra       []Field `json:"extra,omitempty"`
	ExtraFormat Format  `json:"extra_format,omitempty"`
}

// Field is a member of a JSON object, verbatim.
type Field struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// Tool is a function that the model may call, or, with Raw set, a tool of the
// provider's own in the format ExtraFormat of its Options.
type Tool struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // JSON Schema
	Strict      *bool           `json:"strict,omitempty"`
	Raw         json.RawMessage `json:"raw,omitempty"`
}

// ToolMode says how free the model is to call tools.
type ToolMode string

// The modes of a [ToolChoice].
const (
	ToolAuto     ToolMode = "auto"
	ToolNone     ToolMode = "none"
	ToolRequired ToolMode = "required"
	ToolFunction ToolMode = "function" // the one that Name says
)

// ToolChoice steers the calling of tools.
type ToolChoice struct {
	Mode ToolMode `json:"mode"`
	Name string   `json:"name,omitempty"`
}

// ResponseFormatKind says what shape the text must have.
type ResponseFormatKind string

// The kinds of a [ResponseFormat].
const (
	ResponseText       ResponseFormatKind = "text"
	ResponseJSON       ResponseFormatKind = "json_object"
	ResponseJSONSchema ResponseFormatKind = "json_schema"
)

// ResponseFormat asks for text of a given shape.
type ResponseFormat struct {
	Kind        ResponseFormatKind `json:"kind"`
	Name        string             `json:"name,omitempty"`
	Description string             `json:"description,omitempty"`
	Schema      json.RawMessage    `json:"schema,omitempty"`
	Strict      *bool              `json:"strict,omitempty"`
}

// Reasoning steers how much a model thinks before it answers.
type Reasoning struct {
	Effort  string `json:"effort,omitempty"`  // none, minimal, low, medium, high, xhigh
	Summary string `json:"summary,omitempty"` // auto, concise, detailed
}

// Passthrough is the request as the client sent it. A provider of the same
// format gets it with model and stream replaced and nothing else touched, so
// that what Parley does not know is not lost. Only a turn without history has
// one.
type Passthrough struct {
	Format Format
	Body   []byte // a copy; owned by the turn
}

// Call is what a model is asked, in no provider's format.
type Call struct {
	Turn        TurnID
	Items       []Item // all that the model is to read: system prompt, history, input
	Options     Options
	Stream      bool // ask the provider to stream; the answer arrives as chunks either way
	Passthrough *Passthrough
	Affinity    Affinity // to those before it whose beginning it repeats
	// Began, where it is not nil, is called once the call counts as one of
	// those that the provider has at once; see StartTurn.
	Began func()
}
