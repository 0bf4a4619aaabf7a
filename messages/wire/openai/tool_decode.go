package openai

import (
	"fmt"

	"example.com/parley/messages"
)

const (
	toolFunction = "function"
	maxToolName  = 128 // OpenAI takes 64 of [a-zA-Z0-9_-]; others take more
)

// tools reads the tools that a model may call. In the chat format a function's
// members stand under "function", in the Responses format, which is flat, beside
// the type.
func (r *reader) tools(flat bool) (tools []messages.Tool, err error) {
	err = r.array(maxTools, func(int) error {
		tool, err := r.tool(flat)
		tools = append(tools, tool)
		return err
	})
	return tools, err
}

// tool reads one: a function, or a tool of the provider's own, as it is.
func (r *reader) tool(flat bool) (tool messages.Tool, err error) {
	start, kind := r.start(), ""
	err = r.object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			kind, err = r.string()
			return err
		case "function":
			return r.object(func(name []byte) error { return r.function(name, &tool) })
		default:
			return r.function(name, &tool)
		}
	})
	switch {
	case err != nil:
		return tool, err
	case kind == "":
		return tool, invalid(r.path()+".type", "is missing", `send "function" or a type that the provider knows`)
	case kind != toolFunction:
		return messages.Tool{Raw: r.since(start)}, nil
	case tool.Name == "" && flat:
		return tool, invalid(r.path()+".name", "is missing", "name the function")
	case tool.Name == "":
		return tool, invalid(r.path()+".function.name", "is missing", "name the function")
	default:
		return tool, nil
	}
}

// function reads a member of a function's definition. Those of other tools pass
// by: of them the whole is kept.
func (r *reader) function(name []byte, tool *messages.Tool) (err error) {
	switch string(name) {
	case "name":
		if tool.Name, err = r.string(); err == nil && len(tool.Name) > maxToolName {
			err = invalid(r.path(), fmt.Sprintf("is longer than %d bytes", maxToolName), "shorten it")
		}
	case "description":
		tool.Description, err = r.string()
	case "parameters":
		if !r.isObject() {
			return r.mismatch("an object")
		}
		tool.Parameters, err = r.raw()
	case "strict":
		tool.Strict, err = r.choice()
	default:
		err = r.skip()
	}
	return err
}

// toolChoice reads how free the model is to call tools. Choices that Parley does
// not know go to o.Extra.
func (r *reader) toolChoice(o *messages.Options, flat bool) error {
	start := r.start()
	choice := &messages.ToolChoice{}
	if r.isString() {
		mode, err := r.string()
		choice.Mode = messages.ToolMode(mode)
		switch {
		case err != nil:
			return err
		case choice.Mode != messages.ToolAuto && choice.Mode != messages.ToolNone && choice.Mode != messages.ToolRequired:
			return invalid("tool_choice", "is none of its modes", `send "auto", "none", "required", or the function to call`)
		}
		o.ToolChoice = choice
		return nil
	}
	if err := r.namedTool(choice); err != nil {
		return err
	}
	switch {
	case choice.Mode != messages.ToolFunction:
		o.Extra = append(o.Extra, messages.Field{Name: "tool_choice", Value: r.since(start)})
	case choice.Name == "" && flat:
		return invalid("tool_choice.name", "is missing", "name the function")
	case choice.Name == "":
		return invalid("tool_choice.function.name", "is missing", "name the function")
	default:
		o.ToolChoice = choice
	}
	return nil
}

// namedTool reads {"type":"function", ...} with the name in it, or one level
// deeper.
func (r *reader) namedTool(choice *messages.ToolChoice) error {
	if !r.isObject() {
		return r.mismatch("a string or an object")
	}
	return r.object(func(name []byte) (err error) {
		switch string(name) {
		case "type":
			var mode string
			mode, err = r.string()
			choice.Mode = messages.ToolMode(mode)
		case "name":
			choice.Name, err = r.string()
		case "function":
			err = r.object(func(name []byte) (err error) {
				if string(name) != "name" {
					return r.skip()
				}
				choice.Name, err = r.string()
				return err
			})
		default:
			err = r.skip()
		}
		return err
	})
}
