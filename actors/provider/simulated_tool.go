package provider

import (
	"encoding/hex"
	"math"
	"strings"

	"example.com/parley/messages"
)

// wantedTool is the tool that a simulated model calls: the one that the request
// names or demands, or one that the user's last message speaks of. It calls
// none twice in a row.
func wantedTool(call *messages.Call) *messages.Tool {
	tools := call.Options.Tools
	choice := messages.ToolChoice{Mode: messages.ToolAuto}
	if call.Options.ToolChoice != nil {
		choice = *call.Options.ToolChoice
	}
	if len(tools) == 0 || choice.Mode == messages.ToolNone || toolOutput(call.Items) != "" {
		return nil
	}
	said := strings.ToLower(lastText(call.Items))
	for i := range tools {
		name := strings.ToLower(tools[i].Name)
		switch {
		case name == "":
		case choice.Mode == messages.ToolFunction && tools[i].Name == choice.Name:
			return &tools[i]
		case choice.Mode == messages.ToolAuto && (strings.Contains(said, name) || strings.Contains(said, strings.ReplaceAll(name, "_", " "))):
			return &tools[i]
		}
	}
	demanded := choice.Mode == messages.ToolRequired || choice.Mode == messages.ToolAuto && strings.Contains(said, "tool")
	if demanded && tools[0].Name != "" {
		return &tools[0]
	}
	return nil
}

// callTool writes a call with arguments that fit the tool's schema.
func callTool(tool *messages.Tool, call *messages.Call, choice int) (script []messages.Chunk, tokens int) {
	id := "call_" + hex.EncodeToString(call.Turn[:])
	script = append(script, messages.Chunk{Kind: messages.ChunkToolCall, Choice: choice, Detail: &messages.ChunkDetail{CallID: id, Name: tool.Name}})
	arguments, tokens := firstTokens(fitting(tool.Parameters), math.MaxInt)
	return append(script,
		messages.Chunk{Kind: messages.ChunkToolCall, Choice: choice, Text: arguments},
		messages.Chunk{Kind: messages.ChunkFinish, Choice: choice, Finish: messages.FinishToolCalls},
	), tokens + 1
}
