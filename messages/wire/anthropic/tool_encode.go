package anthropic

import (
	"slices"

	"example.com/parley/messages"
)

// openSchema takes any object.
const openSchema = `{"type":"object","properties":{}}`

// appendTools writes tools and tool_choice. Anthropic wants the tools of a
// history defined even where none may be called any more.
func appendTools(w *object, o *messages.Options, called []string) {
	if len(o.Tools) == 0 {
		appendFormerTools(w, called)
		return
	}
	tools := make([][]byte, len(o.Tools))
	for i := range o.Tools {
		tools[i] = toolOf(&o.Tools[i])
	}
	w.name("tools")
	w.dst = appendArray(w.dst, tools)
	appendToolChoice(w, o)
}

func appendFormerTools(w *object, called []string) {
	if len(called) == 0 {
		return
	}
	called = slices.Clone(called)
	slices.Sort(called)
	called = slices.Compact(called)
	tools := make([][]byte, len(called))
	for i, name := range called {
		tools[i] = toolOf(&messages.Tool{Name: name})
	}
	w.name("tools")
	w.dst = appendArray(w.dst, tools)
	w.literal("tool_choice", `{"type":"none"}`)
}

func toolOf(t *messages.Tool) []byte {
	if t.Raw != nil {
		return t.Raw
	}
	b := begin(nil)
	b.string("name", t.Name)
	if t.Description != "" {
		b.string("description", t.Description)
	}
	schema := []byte(t.Parameters)
	if len(schema) == 0 || string(schema) == "null" {
		schema = []byte(openSchema)
	}
	b.raw("input_schema", schema)
	if t.Strict != nil && *t.Strict {
		b.bool("strict", true)
	}
	return b.end()
}

func appendToolChoice(w *object, o *messages.Options) {
	choice := messages.ToolChoice{Mode: messages.ToolAuto}
	if o.ToolChoice != nil {
		choice = *o.ToolChoice
	}
	oneAtATime := o.ParallelToolCalls != nil && !*o.ParallelToolCalls
	if choice.Mode == messages.ToolAuto && !oneAtATime {
		return // what Anthropic does unasked
	}
	w.name("tool_choice")
	c := begin(w.dst)
	switch choice.Mode {
	case messages.ToolNone:
		c.string("type", "none")
		oneAtATime = false
	case messages.ToolRequired:
		c.string("type", "any")
	case messages.ToolFunction:
		c.string("type", "tool")
		c.string("name", choice.Name)
	default:
		c.string("type", "auto")
	}
	if oneAtATime {
		c.bool("disable_parallel_tool_use", true)
	}
	w.dst = c.end()
}
