package messages

// GoOn is what a model is asked behind a message of its own that broke off.
const GoOn = "Your last message was cut off by a technical fault. Continue it from exactly the character where it stopped, " +
	"as if it had never been interrupted: do not repeat any of it, do not comment on the interruption, and do not begin anew."

// BeforeGoOn takes a request that ends with [GoOn] apart: into what was asked, and
// what was said of the answer. The text is empty for any other.
func BeforeGoOn(items []Item) (asked []Item, said string) {
	n := len(items)
	if n < 2 || items[n-1].Role != RoleUser || items[n-2].Role != RoleAssistant || items[n-1].Text() != GoOn {
		return items, ""
	}
	return items[:n-2], items[n-2].Text()
}
