package fake_test

import (
	"fmt"

	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
)

// A client knows what it said, and so what a fake that heard all of it answers.
func ExampleEcho() {
	fmt.Println(fake.Echo([]messages.Item{
		messages.TextMessage(messages.RoleUser, "My name is Ada."),
		messages.TextMessage(messages.RoleAssistant, "Hello Ada."),
		messages.TextMessage(messages.RoleUser, "What is my name?"),
	}))
	// Output: [3/a4847d8f4cee0d35] What is my name?
}

func ExampleParse() {
	b, err := fake.Parse(fake.Behaviour{}, "tokens-20-delay-5ms-fault-cut-after-3")
	fmt.Println(b.Tokens, b.Delay, b.Fault.Kind, b.Fault.After, err)
	// Output: 20 5ms cut 3 <nil>
}
