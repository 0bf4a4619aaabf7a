package anthropic

import (
	"slices"

	"example.com/parley/messages"
)

// DefaultMaxTokens is sent as max_tokens, which Anthropic requires, where the
// caller set none: every model can write as much, and what is not used costs
// nothing. Thinking comes on top.
const DefaultMaxTokens = 4096

// thinkingTokens is what an effort may spend on thinking: the budget of models
// that take one, and the room left for it where the caller set no max_tokens.
// The numbers double or so from Anthropic's least (1,024) up to what still
// leaves the default answer within 32,000 tokens, the least maximum of a model
// that thinks.
func thinkingTokens(effort string) int {
	switch effort {
	case "minimal":
		return minThinking
	case "low":
		return 2048
	case "medium":
		return 8192
	case "high":
		return 16384
	default: // xhigh, max
		return 24576
	}
}

// minThinking is the least budget that Anthropic takes.
const minThinking = 1024

// plan says how a call thinks, and how much it may write.
type plan struct {
	adaptive  bool
	budget    int    // of a model that takes one; 0: no thinking
	effort    string // output_config.effort; empty: none is sent
	display   bool   // ask for the thinking's text, which newer models leave out
	maxTokens int
}

// thinks tells whether the request asks for thinking, with which temperature
// and top_p must stay unset.
func (p plan) thinks() bool { return p.adaptive || p.budget > 0 }

// planThinking maps the reasoning effort. Thinking is left off where Anthropic
// would refuse the request for it: with a tool that must be called, when the
// assistant's own last words are to be continued, and, for models with a
// budget, in a round of tool calls that began without thinking.
func (e Encoder) planThinking(able abilities, o *messages.Options, p *prompt) plan {
	effort := ""
	if o.Reasoning != nil {
		effort = o.Reasoning.Effort
	}
	off := plan{maxTokens: e.maxTokens(o)}
	switch {
	case effort == "" || effort == "none" && !able.always:
		return off
	case effort == "none":
		off.effort = "low"
		return off
	case !able.adaptive && p.toolsBeganWithoutThinking():
		return off
	}
	possible := !forcesTool(o) && !p.endsWithAssistant()
	if able.adaptive {
		return e.planAdaptive(able, o, effort, possible)
	}
	if !possible {
		return off
	}
	return e.planBudget(o, effort)
}

func (e Encoder) planAdaptive(able abilities, o *messages.Options, effort string, possible bool) plan {
	pl := plan{adaptive: possible, effort: effortOf(able, effort), maxTokens: e.maxTokens(o), display: !able.sampling}
	if o.MaxTokens == nil {
		pl.maxTokens += thinkingTokens(effort)
	}
	return pl
}

// planBudget leaves at least a quarter of a given max_tokens for the answer, and
// does without thinking where that is not enough for Anthropic's least budget.
func (e Encoder) planBudget(o *messages.Options, effort string) plan {
	budget, limit := thinkingTokens(effort), e.maxTokens(o)
	if o.MaxTokens == nil {
		return plan{budget: budget, maxTokens: limit + budget}
	}
	budget = min(budget, limit/4*3)
	if budget < minThinking {
		return plan{maxTokens: limit}
	}
	return plan{budget: budget, maxTokens: limit}
}

func (e Encoder) maxTokens(o *messages.Options) int {
	switch {
	case o.MaxTokens != nil:
		return *o.MaxTokens
	case e.MaxTokens > 0:
		return e.MaxTokens
	default:
		return DefaultMaxTokens
	}
}

// effortOf names an effort as Anthropic does, where the lowest is low and xhigh
// came with the versions that have no sampling.
func effortOf(able abilities, effort string) string {
	switch {
	case effort == "minimal":
		return "low"
	case effort == "xhigh" && able.sampling:
		return "high"
	default:
		return effort
	}
}

func forcesTool(o *messages.Options) bool {
	return o.ToolChoice != nil && slices.Contains([]messages.ToolMode{messages.ToolRequired, messages.ToolFunction}, o.ToolChoice.Mode)
}

// appendThinking writes thinking and output_config, unless the caller brought
// members of those names himself.
func (p plan) appendThinking(w *object, o *messages.Options) {
	if !hasExtra(o, "thinking") {
		switch {
		case p.budget > 0:
			w.name("thinking")
			t := begin(w.dst)
			t.string("type", "enabled")
			t.int("budget_tokens", p.budget)
			w.dst = t.end()
		case p.adaptive && p.display:
			w.literal("thinking", `{"type":"adaptive","display":"summarized"}`)
		case p.adaptive:
			w.literal("thinking", `{"type":"adaptive"}`)
		}
	}
	if !hasExtra(o, "output_config") {
		p.appendOutputConfig(w, o.ResponseFormat)
	}
}

func (p plan) appendOutputConfig(w *object, format *messages.ResponseFormat) {
	schema := format != nil && format.Kind == messages.ResponseJSONSchema
	if p.effort == "" && !schema {
		return
	}
	w.name("output_config")
	c := begin(w.dst)
	if p.effort != "" {
		c.string("effort", p.effort)
	}
	if schema {
		c.name("format")
		f := begin(c.dst)
		f.string("type", "json_schema")
		f.raw("schema", format.Schema)
		c.dst = f.end()
	}
	w.dst = c.end()
}

// hasExtra tells whether the caller, in Anthropic's own format, brought a member
// of that name.
func hasExtra(o *messages.Options, name string) bool {
	return o.ExtraFormat == messages.FormatAnthropic &&
		slices.ContainsFunc(o.Extra, func(f messages.Field) bool { return f.Name == name })
}
