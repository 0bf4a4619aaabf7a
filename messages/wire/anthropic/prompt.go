package anthropic

import (
	"strconv"
	"strings"

	"example.com/parley/messages"
)

const (
	roleUser      = "user"
	roleAssistant = "assistant"
)

// Lines that Anthropic's rules require where the history has none.
const (
	beforeAssistant = "(The conversation starts here.)"
	noToolOutput    = "The tool call was cut off: there is no output."
)

// prompt is what the model reads, in Anthropic's shape: who speaks alternates,
// beginning with the user, and each call of a tool is answered in the very next
// message.
type prompt struct {
	system []byte
	turns  []turn
	tools  []string // names of the functions called, in order, for a request that defines none

	pending []pendingCall  // of the last assistant turn, without an output so far
	names   map[string]int // taken, and how often: here they are unique in a request
	held    [][]byte       // thinking that waits for what it led to: it may not come last
}

// pendingCall is a call by its own id, and by the one that it has here.
type pendingCall struct{ id, name string }

// turn is a message: its blocks as JSON. Results stand first, as Anthropic wants.
type turn struct {
	role     string
	results  [][]byte
	blocks   [][]byte
	thinking bool // the first block is thinking
	calls    bool
}

// readItems builds the prompt. Its errors are *messages.Failure.
func readItems(items []messages.Item) (*prompt, error) {
	p := &prompt{}
	for i := range items {
		if err := p.add(&items[i]); err != nil {
			return nil, err
		}
	}
	p.answerPending()
	if len(p.turns) == 0 {
		return nil, &messages.Failure{
			Code: messages.CodeInvalidRequest, Param: "messages",
			What: "there is no message beside the system prompt, and Anthropic's models need one",
			Do:   "add a message of the user",
		}
	}
	return p, nil
}

func (p *prompt) add(item *messages.Item) error {
	switch item.Kind {
	case messages.ItemToolCall:
		p.addCall(item)
		return nil
	case messages.ItemToolOutput:
		return p.addOutput(item)
	case messages.ItemReasoning:
		p.hold(item)
		return nil
	default:
		return p.addMessage(item)
	}
}

func (p *prompt) addMessage(item *messages.Item) error {
	switch item.Role {
	case messages.RoleSystem, messages.RoleDeveloper:
		p.addSystem(item.Text())
		return nil
	case messages.RoleAssistant:
		return p.addParts(roleAssistant, item.Parts)
	default:
		return p.addParts(roleUser, item.Parts)
	}
}

func (p *prompt) addSystem(text string) {
	if len(p.system) > 0 && text != "" {
		p.system = append(p.system, "\n\n"...)
	}
	p.system = append(p.system, text...)
}

func (p *prompt) addParts(role string, parts []messages.Part) error {
	for i := range parts {
		block, err := partBlock(&parts[i])
		if err != nil {
			return err
		}
		if block != nil {
			p.addBlock(role, block)
		}
	}
	return nil
}

// addBlock writes a block into the running turn of the role, or a new one.
func (p *prompt) addBlock(role string, block []byte) {
	t := p.turnOf(role)
	if role == roleAssistant && len(p.held) > 0 {
		t.thinking = t.thinking || len(t.blocks) == 0
		t.blocks = append(t.blocks, p.held...)
	}
	p.held = nil
	t.blocks = append(t.blocks, block)
}

// turnOf returns the last turn where it is the role's, else a new one. Before
// the assistant speaks again, every call of its last turn has an output.
func (p *prompt) turnOf(role string) *turn {
	if n := len(p.turns); n > 0 && p.turns[n-1].role == role {
		return &p.turns[n-1]
	}
	if role == roleAssistant {
		if len(p.turns) == 0 {
			p.turns = append(p.turns, turn{role: roleUser, blocks: [][]byte{textBlock(beforeAssistant)}})
		}
		p.answerPending()
	}
	p.turns = append(p.turns, turn{role: role})
	return &p.turns[len(p.turns)-1]
}

// addCall leaves out a call that the model did not finish asking for.
func (p *prompt) addCall(item *messages.Item) {
	if item.Status == messages.ItemIncomplete {
		return
	}
	turn := p.turnOf(roleAssistant) // answers the calls of an earlier one first
	name := p.nameOf(item.CallID)
	p.addBlock(roleAssistant, callBlock(item, name))
	turn.calls = true
	p.pending = append(p.pending, pendingCall{item.CallID, name})
	p.tools = append(p.tools, item.Name)
}

// addOutput answers a call of the assistant's last turn. One that answers none
// of those is told as text.
func (p *prompt) addOutput(item *messages.Item) error {
	content, err := partBlocks(item.Parts)
	if err != nil {
		return err
	}
	name, ok := p.settle(item.CallID)
	if !ok {
		p.addBlock(roleUser, textBlock("Output of an earlier tool call:"))
		for _, block := range content {
			p.addBlock(roleUser, block)
		}
		return nil
	}
	t := p.turnOf(roleUser)
	t.results = append(t.results, resultBlock(name, content, false))
	p.held = nil
	return nil
}

// nameOf is what a call is named here: its id, but for what Anthropic does not
// take in one. Servers that count their calls anew in each reply use an id again
// and again.
func (p *prompt) nameOf(id string) string {
	base := callID(id)
	name := base
	for p.names[name] > 0 {
		p.names[base]++
		name = base + "_" + strconv.Itoa(p.names[base])
	}
	if p.names == nil {
		p.names = make(map[string]int, 1)
	}
	p.names[name] = 1
	return name
}

// settle takes the call off those without an output, and returns its name.
func (p *prompt) settle(id string) (name string, ok bool) {
	for i, call := range p.pending {
		if call.id == id {
			p.pending = append(p.pending[:i:i], p.pending[i+1:]...)
			return call.name, true
		}
	}
	return "", false
}

// answerPending gives the calls that nobody answered an output that says so.
func (p *prompt) answerPending() {
	unanswered := p.pending
	p.pending = nil
	for _, call := range unanswered {
		t := p.turnOf(roleUser)
		t.results = append(t.results, resultBlock(call.name, [][]byte{textBlock(noToolOutput)}, true))
	}
}

// hold keeps the reasoning until the assistant says what came of it.
func (p *prompt) hold(item *messages.Item) {
	for _, t := range thoughtsOf(item.Text(), item.Opaque) {
		p.held = append(p.held, thoughtBlock(t))
	}
}

// endsWithAssistant tells whether the model is to continue its own last words.
func (p *prompt) endsWithAssistant() bool {
	return p.turns[len(p.turns)-1].role == roleAssistant
}

// toolsBeganWithoutThinking tells whether the answer that is under way called
// tools and has no thinking at its beginning. Anthropic's models that take a
// budget cannot begin to think in the middle of it.
func (p *prompt) toolsBeganWithoutThinking() bool {
	for i := len(p.turns) - 1; i >= 0; i-- {
		t := &p.turns[i]
		switch {
		case t.role == roleUser && len(t.results) == 0:
			return false
		case t.role == roleAssistant && t.calls:
			return !t.thinking
		}
	}
	return false
}

// appendMessages writes the member "messages".
func (p *prompt) appendMessages(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range p.turns {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := begin(dst)
		m.string("role", p.turns[i].role)
		m.name("content")
		dst = p.turns[i].appendContent(m.dst)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func (t *turn) appendContent(dst []byte) []byte {
	return appendArray(dst, t.results, t.blocks)
}

// appendArray writes the values of all lists as one array.
func appendArray(dst []byte, lists ...[][]byte) []byte {
	dst = append(dst, '[')
	comma := false
	for _, list := range lists {
		for _, value := range list {
			if comma {
				dst = append(dst, ',')
			}
			comma = true
			dst = append(dst, value...)
		}
	}
	return append(dst, ']')
}

// blank tells whether a text is one that Anthropic refuses as empty.
func blank(text string) bool { return strings.TrimSpace(text) == "" }
