package anthropic

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// addTools reads tools and tool_choice. A tool of Anthropic's own, which has a
// type, is kept as it is.
func (b *requestBody) addTools(o *messages.Options) error {
	for i, value := range b.Tools {
		tool, err := readTool(value)
		if err != nil {
			return invalid(fmt.Sprintf("tools[%d]", i), "a tool has a member of a wrong type", "give name, description and input_schema")
		}
		o.Tools = append(o.Tools, tool)
	}
	if b.ToolChoice == nil {
		return nil
	}
	return b.ToolChoice.addTo(o)
}

func readTool(value jsontext.Value) (messages.Tool, error) {
	var t struct {
		Type        string         `json:"type"`
		Name        string         `json:"name"`
		Description string         `json:"description"`
		InputSchema jsontext.Value `json:"input_schema"`
		Strict      *bool          `json:"strict"`
	}
	if err := json.Unmarshal(value, &t); err != nil {
		return messages.Tool{}, fmt.Errorf("read tool: %w", err)
	}
	if t.Type != "" && t.Type != "custom" {
		return messages.Tool{Name: t.Name, Raw: bytes.Clone(value)}, nil
	}
	return messages.Tool{
		Name: t.Name, Description: t.Description, Parameters: []byte(t.InputSchema), Strict: t.Strict,
	}, nil
}

func (c *toolChoice) addTo(o *messages.Options) error {
	modes := map[string]messages.ToolMode{
		"auto": messages.ToolAuto, "any": messages.ToolRequired, "tool": messages.ToolFunction, "none": messages.ToolNone,
	}
	mode, ok := modes[c.Type]
	if !ok {
		return invalid("tool_choice.type", fmt.Sprintf("tool_choice.type is %q", c.Type), "give auto, any, tool or none")
	}
	o.ToolChoice = &messages.ToolChoice{Mode: mode, Name: c.Name}
	if c.DisableParallel {
		parallel := false
		o.ParallelToolCalls = &parallel
	}
	return nil
}
