package openai

import (
	"strconv"
	"strings"

	"example.com/parley/messages"
)

// callFragment is a piece of a tool call.
type callFragment struct {
	index    int // as the provider counts; -1 where it doesn't
	position int // in the array
	id       string
	name     string
	args     string
	literal  span
}

// readCalls reads the tool calls of a delta. Calls of tools that are no functions
// go to Extra, all of the delta's together.
func (d *ChatDecoder) readCalls(c *choice) error {
	if !d.isArray() {
		return d.skip()
	}
	start, foreign := d.start(), false
	err := d.array(maxToolCalls, func(i int) error {
		if !d.isObject() {
			return d.skip()
		}
		f := callFragment{index: -1, position: i}
		err := d.object(func(name []byte) error {
			foreign = foreign || string(name) == "custom"
			return d.readCall(name, &f)
		})
		c.calls = append(c.calls, f)
		return err
	})
	if err != nil || !foreign {
		return err
	}
	c.calls = c.calls[:0]
	if len(c.extra) > 0 {
		c.extra = append(c.extra, ',')
	}
	c.extra = append(append(c.extra, `"tool_calls":`...), d.since(start)...)
	return nil
}

func (d *ChatDecoder) readCall(name []byte, f *callFragment) (err error) {
	switch string(name) {
	case "index":
		f.index, err = d.tally()
	case "id":
		f.id, err = d.word()
	case "function":
		if !d.isObject() {
			return d.skip()
		}
		err = d.object(func(name []byte) error { return d.readCalled(name, f) })
	default:
		err = d.skip()
	}
	return err
}

func (d *ChatDecoder) readCalled(name []byte, f *callFragment) (err error) {
	switch {
	case string(name) == "name":
		f.name, err = d.word()
	case string(name) == "arguments" && d.isString():
		from := d.start()
		f.args, err = d.string()
		f.literal = span{from, d.at}
	case string(name) == "arguments": // an object, as some servers send it
		var value []byte
		value, err = d.carried()
		f.args = string(value)
	default:
		err = d.skip()
	}
	return err
}

// callIndex numbers the tool calls of each choice from 0, whatever the provider
// does: some send no index, some send 0 for every call, some send a call's name
// after its id.
type callIndex struct {
	open []openCall
}

// openCall is a call that has begun.
type openCall struct {
	choice int
	theirs int // index in the provider's count
	ours   int
	id     string
	name   string
	held   string // arguments that came before the name
	said   bool   // its first chunk went out
}

// find returns the call that a fragment continues, or begins it.
func (x *callIndex) find(choice int, f *callFragment) *openCall {
	theirs, ours := f.index, 0
	if theirs < 0 {
		theirs = f.position
	}
	for i := len(x.open) - 1; i >= 0; i-- {
		call := &x.open[i]
		if call.choice != choice {
			continue
		}
		ours++
		if call.theirs == theirs && (f.id == "" || call.id == "" || call.id == f.id) {
			return call
		}
	}
	x.open = append(x.open, openCall{choice: choice, theirs: theirs, ours: ours})
	return &x.open[len(x.open)-1]
}

// sayCall says what a fragment adds to its call. The first chunk of a call has
// its id and name: what comes before them is held back.
func (d *ChatDecoder) sayCall(rest *messages.Chunk, f *callFragment) {
	call := d.calls.find(rest.Choice, f)
	if call.id == "" {
		call.id = f.id
	}
	if !call.said {
		d.beginCall(rest, call, f)
		return
	}
	if f.args == "" {
		return
	}
	chunk := take(rest)
	chunk.Kind, chunk.Index, chunk.Text = messages.ChunkToolCall, call.ours, f.args
	d.echo.candidate(f.literal, chunk)
	d.say(chunk)
}

func (d *ChatDecoder) beginCall(rest *messages.Chunk, call *openCall, f *callFragment) {
	d.echo.spoil()
	call.name += f.name
	call.held += f.args
	if call.name == "" {
		return
	}
	if call.id == "" {
		call.id = d.callID(call)
	}
	chunk := take(rest)
	chunk.Kind, chunk.Index = messages.ChunkToolCall, call.ours
	detail := *chunk.Details()
	detail.CallID, detail.Name = call.id, call.name
	chunk.Detail, chunk.Text = &detail, call.held
	call.said, call.held = true, ""
	d.say(chunk)
}

// callID names a call for a server that doesn't, after the completion, so that
// the calls of two turns differ.
func (d *ChatDecoder) callID(call *openCall) string {
	const longest = 40 // of the completion's id; OpenAI takes 64 bytes in all
	id := strings.TrimPrefix(d.id, chatPrefix)
	return "call_" + id[:min(len(id), longest)] + "_" + strconv.Itoa(call.choice) + "_" + strconv.Itoa(call.ours)
}
