package remote

import "example.com/parley/messages"

func toOptions(o *messages.Options) *Options {
	return &Options{
		MaxTokens:         optional(o.MaxTokens, widen),
		Temperature:       o.Temperature,
		TopP:              o.TopP,
		PresencePenalty:   o.PresencePenalty,
		FrequencyPenalty:  o.FrequencyPenalty,
		Seed:              o.Seed,
		Stop:              o.Stop,
		N:                 int64(o.N),
		Tools:             list(o.Tools, toTool),
		ToolChoice:        optional(o.ToolChoice, toToolChoice),
		ParallelToolCalls: o.ParallelToolCalls,
		ResponseFormat:    optional(o.ResponseFormat, toResponseFormat),
		Reasoning:         optional(o.Reasoning, toReasoning),
		Logprobs:          o.Logprobs,
		TopLogprobs:       optional(o.TopLogprobs, widen),
		User:              o.User,
		Metadata:          o.Metadata,
		Extra:             list(o.Extra, toField),
		ExtraFormat:       string(o.ExtraFormat),
	}
}

func fromOptions(m *Options) messages.Options {
	if m == nil {
		return messages.Options{}
	}
	return messages.Options{
		MaxTokens:         optional(m.MaxTokens, narrow),
		Temperature:       m.Temperature,
		TopP:              m.TopP,
		PresencePenalty:   m.PresencePenalty,
		FrequencyPenalty:  m.FrequencyPenalty,
		Seed:              m.Seed,
		Stop:              m.GetStop(),
		N:                 int(m.GetN()),
		Tools:             values(m.GetTools(), fromTool),
		ToolChoice:        optional(m.GetToolChoice(), fromToolChoice),
		ParallelToolCalls: m.ParallelToolCalls,
		ResponseFormat:    optional(m.GetResponseFormat(), fromResponseFormat),
		Reasoning:         optional(m.GetReasoning(), fromReasoning),
		Logprobs:          m.GetLogprobs(),
		TopLogprobs:       optional(m.TopLogprobs, narrow),
		User:              m.GetUser(),
		Metadata:          m.GetMetadata(),
		Extra:             values(m.GetExtra(), fromField),
		ExtraFormat:       messages.Format(m.GetExtraFormat()),
	}
}

func toTool(t *messages.Tool) *Tool {
	return &Tool{Name: t.Name, Description: t.Description, Parameters: t.Parameters, Strict: t.Strict, Raw: t.Raw}
}

func fromTool(m *Tool) messages.Tool {
	return messages.Tool{
		Name: m.GetName(), Description: m.GetDescription(), Parameters: m.GetParameters(), Strict: m.Strict, Raw: m.GetRaw(),
	}
}

func toToolChoice(c *messages.ToolChoice) *ToolChoice {
	return &ToolChoice{Mode: string(c.Mode), Name: c.Name}
}

func fromToolChoice(m *ToolChoice) *messages.ToolChoice {
	return &messages.ToolChoice{Mode: messages.ToolMode(m.GetMode()), Name: m.GetName()}
}

func toResponseFormat(f *messages.ResponseFormat) *ResponseFormat {
	return &ResponseFormat{
		Kind: string(f.Kind), Name: f.Name, Description: f.Description, Schema: f.Schema, Strict: f.Strict,
	}
}

func fromResponseFormat(m *ResponseFormat) *messages.ResponseFormat {
	return &messages.ResponseFormat{
		Kind: messages.ResponseFormatKind(m.GetKind()), Name: m.GetName(), Description: m.GetDescription(),
		Schema: m.GetSchema(), Strict: m.Strict,
	}
}

func toReasoning(r *messages.Reasoning) *Reasoning {
	return &Reasoning{Effort: r.Effort, Summary: r.Summary}
}

func fromReasoning(m *Reasoning) *messages.Reasoning {
	return &messages.Reasoning{Effort: m.GetEffort(), Summary: m.GetSummary()}
}

func toField(f *messages.Field) *Field { return &Field{Name: f.Name, Value: f.Value} }

func fromField(m *Field) messages.Field {
	return messages.Field{Name: m.GetName(), Value: m.GetValue()}
}
