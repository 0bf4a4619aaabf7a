package anthropic_test

import (
	"fmt"

	"example.com/parley/messages"
	"example.com/parley/messages/wire/anthropic"
)

func ExampleAppendRequest() {
	body, err := anthropic.AppendRequest(nil, "claude-haiku-4-5", &messages.Call{
		Items: []messages.Item{
			messages.TextMessage(messages.RoleSystem, "Be brief."),
			messages.TextMessage(messages.RoleUser, "Hello!"),
		},
		Stream: true,
	})
	fmt.Println(string(body), err)
	// Output: {"model":"claude-haiku-4-5","max_tokens":4096,"stream":true,"system":"Be brief.","messages":[{"role":"user","content":[{"type":"text","text":"Hello!"}]}]} <nil>
}

func ExampleDecoder() {
	stream := []struct{ name, data string }{
		{"content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`},
		{"content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi!"}}`},
		{"message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}`},
		{"message_stop", `{"type":"message_stop"}`},
	}
	var d anthropic.Decoder
	for _, event := range stream {
		done, err := d.Decode(event.name, []byte(event.data), func(c messages.Chunk) {
			fmt.Printf("%s%s;", c.Text, c.Finish)
		})
		if done || err != nil {
			fmt.Println(" done", err)
		}
	}
	// Output: Hi!;stop;; done <nil>
}
