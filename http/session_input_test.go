package http_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

const deflateOffer = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"

// input is something that a client sends, and what comes of it: a close with one of
// the codes, or an answer, behind which the connection goes on as if nothing had
// been.
type input struct {
	name    string
	deflate bool
	frames  []byte
	codes   []int
	pongs   []string // before the answer
	says    string   // code of the error that answers it, or "response.completed"
}

const bogus = `{"type":"bogus"}`

const manyInputs = 64 // of a chapter

// inputs follow the chapters of Autobahn's test suite, and add what is ours.
func inputs(tb testing.TB) []input {
	return slices.Concat(framing(), controls(), closes(), texts(), compression(tb), sizes(tb), commands())
}

// framing is masks, reserved bits, opcodes and fragments.
func framing() []input {
	unmasked := append([]byte{fin | opText, byte(len(bogus))}, bogus...)
	all := append(make([]input, 0, manyInputs), []input{
		{name: "garbage", frames: bytes.Repeat([]byte{0xff}, 1000), codes: []int{1002}},
		{name: "a request", frames: []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), codes: []int{1002}},
		{name: "unmasked", frames: unmasked, codes: []int{1002}},
		{name: "unmasked ping", frames: []byte{fin | opPing, 0}, codes: []int{1002}},
		{name: "reserved bit 1, not agreed", frames: masked(fin|compressed|opText, bogus), codes: []int{1002}},
		{name: "reserved bit 2", frames: masked(fin|0x20|opText, bogus), codes: []int{1002}},
		{name: "reserved bit 3", frames: masked(fin|0x10|opText, bogus), codes: []int{1002}},
		{name: "reserved bit 2 beside a compressed one", deflate: true, frames: masked(fin|compressed|0x20|opText, ""), codes: []int{1002}},
		{name: "reserved bit of a ping", frames: masked(fin|0x20|opPing, ""), codes: []int{1002}},
		{name: "binary", frames: masked(fin|opBinary, bogus), codes: []int{1003}},
		{name: "two fragments", frames: join(masked(opText, bogus[:5]), masked(fin, bogus[5:])), says: "invalid_request"},
		{name: "a fragment each byte", frames: crumbs(bogus), says: "invalid_request"},
		{name: "empty fragments", frames: join(masked(opText, ""), masked(0, ""), masked(0, bogus), masked(fin, "")), says: "invalid_request"},
		{name: "a ping among fragments", frames: join(masked(opText, bogus[:5]), masked(fin|opPing, "here"), masked(fin, bogus[5:])), pongs: []string{"here"}, says: "invalid_request"},
		{name: "continuation of nothing", frames: masked(fin|opContinuation, bogus), codes: []int{1002}},
		{name: "unfinished continuation of nothing", frames: masked(opContinuation, bogus), codes: []int{1002}},
		{name: "a message among fragments", frames: join(masked(opText, bogus[:5]), masked(fin|opText, bogus)), codes: []int{1002}},
		{name: "a bad frame among fragments", frames: join(masked(opText, bogus[:5]), masked(fin|3, "")), codes: []int{1002}},
		{name: "an empty message", frames: masked(fin|opText, ""), says: "invalid_json"},
	}...)
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		all = append(all,
			input{name: "opcode " + string("0123456789abcdef"[op]), frames: masked(fin|op, "x"), codes: []int{1002}},
			input{name: "opcode, not final " + string("0123456789abcdef"[op]), frames: masked(op, "x"), codes: []int{1002}})
	}
	return all
}

func join(frames ...[]byte) []byte { return slices.Concat(frames...) }

// crumbs is a message of as many frames as it has bytes.
func crumbs(text string) (frames []byte) {
	for i := range len(text) {
		first := byte(opContinuation)
		if i == 0 {
			first = opText
		}
		if i == len(text)-1 {
			first |= fin
		}
		frames = append(frames, masked(first, text[i:i+1])...)
	}
	return frames
}

// controls is pings and pongs.
func controls() []input {
	long, ask := strings.Repeat("p", 125), masked(fin|opText, bogus)
	return []input{
		{name: "ping", frames: join(masked(fin|opPing, ""), ask), pongs: []string{""}, says: "invalid_request"},
		{name: "binary ping", frames: join(masked(fin|opPing, "\x00\xff\xfe"), ask), pongs: []string{"\x00\xff\xfe"}, says: "invalid_request"},
		{name: "the longest ping", frames: join(masked(fin|opPing, long), ask), pongs: []string{long}, says: "invalid_request"},
		{name: "ping too long", frames: masked(fin|opPing, long+"p"), codes: []int{1002}},
		{name: "pong too long", frames: masked(fin|opPong, long+"p"), codes: []int{1002}},
		{name: "close too long", frames: masked(fin|opClose, closing(1000, long)), codes: []int{1002}},
		{name: "fragmented ping", frames: masked(opPing, "x"), codes: []int{1002}},
		{name: "fragmented pong", frames: masked(opPong, "x"), codes: []int{1002}},
		{name: "fragmented close", frames: masked(opClose, closing(1000, "")), codes: []int{1002}},
		{name: "a pong that nobody asked for", frames: join(masked(fin|opPong, "x"), ask), says: "invalid_request"},
		{name: "ten pings", frames: join(bytes.Repeat(masked(fin|opPing, "x"), 10), ask), pongs: strings.Split(strings.Repeat("x", 10), ""), says: "invalid_request"},
		{name: "a flood of messages", frames: bytes.Repeat(masked(fin|opText, bogus), 2000), codes: []int{1008}},
		{name: "a flood of pings", frames: bytes.Repeat(masked(fin|opPing, ""), 2000), codes: []int{1008}},
		{name: "a flood of pongs", frames: bytes.Repeat(masked(fin|opPong, ""), 2000), codes: []int{1008}},
	}
}

// closes is the client's own close: it is repeated where it is one.
func closes() []input {
	all := append(make([]input, 0, manyInputs), []input{
		{name: "a close without a code", frames: masked(fin|opClose, ""), codes: []int{1005}},
		{name: "a close of one byte", frames: masked(fin|opClose, "\x03"), codes: []int{1002, 1005}}, // the library takes it for one without a code
		{name: "a reason that is no text", frames: masked(fin|opClose, closing(1000, "\xff\xfe")), codes: []int{1002, 1007}},
		{name: "a message behind the close", frames: join(masked(fin|opClose, closing(1000, "")), masked(fin|opText, bogus)), codes: []int{1000}},
		{name: "a close among fragments", frames: join(masked(opText, bogus[:5]), masked(fin|opClose, closing(1000, ""))), codes: []int{1000}},
	}...)
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		all = append(all, input{name: "a close with a code", frames: masked(fin|opClose, closing(code, "why")), codes: []int{int(code)}})
	}
	for _, code := range []uint16{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		all = append(all, input{name: "a code that there is not", frames: masked(fin|opClose, closing(code, "")), codes: []int{1002}})
	}
	return all
}

// texts is UTF-8.
func texts() []input {
	member := func(text string) string { return `{"type":"` + text + `"}` }
	all := append(make([]input, 0, manyInputs), []input{
		{name: "characters of several bytes", frames: masked(fin|opText, member("κόσμε 日本 😀 \U0010ffff")), says: "invalid_request"},
		{name: "a character in two fragments", frames: join(masked(opText, `{"type":"`+"\xf0\x9f"), masked(fin, "\x98\x80"+`"}`)), says: "invalid_request"},
	}...)
	for name, text := range map[string]string{
		"a lone continuation": "\x80", "a byte that never is": "\xfe", "a cut character": "\xe6\x97", "an overlong slash": "\xc0\xaf",
		"an overlong NUL": "\xe0\x80\x80", "a surrogate": "\xed\xa0\x80", "a pair of surrogates": "\xed\xa0\x80\xed\xb0\x80",
		"beyond the last": "\xf4\x90\x80\x80", "five bytes": "\xf8\x88\x80\x80\x80",
	} {
		all = append(all, input{name: name, frames: masked(fin|opText, member(text)), codes: []int{1007}})
	}
	return all
}

// compression is permessage-deflate.
func compression(tb testing.TB) []input {
	small, bomb := deflated(tb, bogus), deflated(tb, strings.Repeat("\x00", 50<<20))
	if len(bomb) > 60_000 {
		tb.Fatalf("the bomb has %d bytes", len(bomb))
	}
	return []input{
		{name: "compressed", deflate: true, frames: masked(fin|compressed|opText, small), says: "invalid_request"},
		{name: "not compressed, though agreed", deflate: true, frames: masked(fin|opText, bogus), says: "invalid_request"},
		{name: "compressed, in fragments", deflate: true, frames: join(masked(compressed|opText, small[:4]), masked(fin, small[4:])), says: "invalid_request"},
		{name: "compressed nothing", deflate: true, frames: masked(fin|compressed|opText, "\x00"), says: "invalid_json"},
		{name: "a bomb of 49 KB", deflate: true, frames: masked(fin|compressed|opText, bomb), codes: []int{1009}},
		{name: "not compressed, but said to be", deflate: true, frames: masked(fin|compressed|opText, bogus), codes: []int{1007}},
		{name: "a compressed message that is cut", deflate: true, frames: masked(fin|compressed|opText, deflated(tb, strings.Repeat("abcdefgh", 1000))[:9]), codes: []int{1007}},
		{name: "compressed, and no text", deflate: true, frames: masked(fin|compressed|opText, deflated(tb, "\xff\xfe")), codes: []int{1007}},
		{name: "compressed binary", deflate: true, frames: masked(fin|compressed|opBinary, small), codes: []int{1003}},
		{name: "bad frames inside a compressed message", deflate: true, frames: join(masked(compressed|opText, small[:4]), masked(fin|opText, small)), codes: []int{1002}},
	}
}

// sizes is lengths at which a header changes, and such as are never sent.
func sizes(tb testing.TB) []input {
	tb.Helper()
	all := append(make([]input, 0, manyInputs), []input{
		{name: "2^63", frames: frameOf(fin|opText, 1<<63, "x"), codes: []int{1002, 1009}},
		{name: "2^63-1", frames: frameOf(fin|opText, math.MaxInt64, "x"), codes: []int{1009}},
		{name: "2^64-1", frames: frameOf(fin|opText, math.MaxUint64, "x"), codes: []int{1002, 1009}},
		{name: "more than may be", frames: frameOf(fin|opText, 4<<20+1, "x"), codes: []int{1009}},
		{name: "more than may be, in fragments", frames: join(masked(opText, strings.Repeat(" ", 3<<20)), frameOf(fin, 2<<20, "x")), codes: []int{1009}},
		{name: "2^63-1 behind a fragment", frames: join(masked(opText, "xx"), frameOf(fin, math.MaxInt64, "x")), codes: []int{1009}},
	}...)
	for _, length := range []int{125, 126, 127, 128, 65535, 65536, 1 << 20} {
		text := bogus + strings.Repeat(" ", length-len(bogus))
		all = append(all, input{name: "a length where headers change", frames: masked(fin|opText, text), says: "invalid_request"})
	}
	return all
}

// commands is messages that are well sent and say what cannot be.
func commands() []input {
	const create = `{"type":"response.create","model":"demo","input":"canary-prompt"`
	all := append(make([]input, 0, manyInputs), input{name: "what it is for", frames: masked(fin|opText, create+`}`), says: "response.completed"})
	for text, code := range map[string]string{
		bogus: "invalid_request", `{}`: "invalid_request", `{"type":7}`: "invalid_request", `[]`: "invalid_request", `null`: "invalid_request", `"x"`: "invalid_request",
		`{`: "invalid_json", `}`: "invalid_json", bogus + bogus: "invalid_json", `{"type":"response.create",}`: "invalid_json", `canary-prompt`: "invalid_json",
		strings.Repeat("[", 10_000): "invalid_json", `{"a":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat("}", 101): "invalid_json",
		create + `,"conversation":"conv_of_another"}`:                                              "conversation_not_found",
		create + `,"generate":false,"conversation":"conv_of_another"}`:                             "conversation_not_found",
		create + `,"previous_response_id":"resp_` + strings.Repeat("0f", 16) + `"}`:                "previous_response_not_found",
		create + `,"stream_id":"a b"}`:                                                             "invalid_stream_id",
		create + `,"stream_id":""}`:                                                                "invalid_stream_id",
		create + `,"stream_id":"` + strings.Repeat("a", 257) + `"}`:                                "invalid_stream_id",
		create + `,"stream_id":3}`:                                                                 "invalid_request",
		create + `,"temperature":1e999}`:                                                           "invalid_request",
		create + `,"background":true}`:                                                             "unsupported",
		`{"type":"response.create","model":"demo"}`:                                                "invalid_request",
		`{"type":"response.create","input":"x"}`:                                                   "invalid_request",
		`{"type":"response.resume"}`:                                                               "invalid_request",
		`{"type":"response.resume","response_id":"canary-prompt"}`:                                 "previous_response_not_found",
		`{"type":"response.resume","response_id":"resp_x","starting_after":-7}`:                    "invalid_request",
		`{"type":"response.resume","response_id":"resp_x","starting_after":99999999999999999999}`:  "invalid_request",
		`{"type":"response.steer"}`:                                                                "invalid_request",
		`{"type":"response.steer","previous_response_id":"resp_x","input":[{"role":"assistant"}]}`: "invalid_request",
	} {
		all = append(all, input{name: text[:min(len(text), 40)], frames: masked(fin|opText, text), says: code})
	}
	return all
}

// bystanders are connections that have nothing to do with what others send.
type bystanders []*connection

func (w *world) bystanders() bystanders {
	return bystanders{w.socket(), w.socket("Authorization", "Bearer "+otherKey)}
}

// live holds that nobody has touched them.
func (b bystanders) live(tb testing.TB) {
	tb.Helper()
	for _, c := range b {
		c.tb = tb
		c.say(bogus)
		if m := c.message(); m.Type != "error" || m.Status != http.StatusBadRequest {
			tb.Fatalf("a bystander gets %s", m.raw)
		}
	}
}

func TestBadInputIsAnsweredAndTouchesNobodyElse(t *testing.T) {
	t.Parallel()
	all := inputs(t)
	w := serve(t, says(hello()...), sockets(func(c *parleyhttp.SessionConfig) { // the bystanders read between two inputs alone
		c.PingEvery, c.PongWithin = 5*time.Minute, 4*time.Minute
	}))
	others := w.bystanders()
	streaming := w.library.run(keptTurn(messages.TurnComplete), opened(), text("Hel"))
	watching := w.socket()
	watching.say(`{"type":"response.resume","response_id":"resp_` + keptTurn(messages.TurnComplete).ID.String() + `"}`)
	watching.until("response.output_text.delta")
	for _, in := range all {
		t.Run(in.name, func(t *testing.T) {
			offer := ""
			if in.deflate {
				offer = deflateOffer
			}
			c := w.raw(offer)
			c.tb = t
			defer c.Close() //nolint:errcheck // it may be closed
			go c.send(in.frames)
			in.check(t, c)
			others.live(t)
		})
	}
	streaming.say(text("lo"), finish(), usage(3, 2), end())
	watching.until("response.completed") // what ran meanwhile was not touched either
	logged := w.logged.String()
	for _, never := range []string{"panic", "canary"} {
		if strings.Contains(logged, never) {
			t.Errorf("%q is in the log", never)
		}
	}
}

// check reads what comes of the input.
func (in *input) check(t *testing.T, c *raw) {
	t.Helper()
	if len(in.codes) > 0 {
		f := c.next()
		for f.op != opClose { // answers to what was sent before
			f = c.next()
		}
		if !slices.Contains(in.codes, f.code()) {
			t.Errorf("closed with %d %q", f.code(), f.payload)
		}
		return
	}
	for _, pong := range in.pongs {
		if f := c.next(); f.op != opPong || string(f.payload) != pong {
			t.Errorf("got %d %q in the place of a pong", f.op, f.payload)
		}
	}
	m := c.message()
	for in.says == "response.completed" && m.Type != in.says && m.Type != "error" {
		m = c.message()
	}
	if m.Type != in.says && m.Error.Code != in.says {
		t.Errorf("it is told %s", m.raw)
	}
	c.send(masked(fin|opText, bogus))
	if m := c.message(); m.Error.Code != "invalid_request" {
		t.Errorf("then comes %s", m.raw)
	}
}

func TestAMessageThatDoesNotEndIsCut(t *testing.T) {
	t.Parallel()
	w := serve(t, nil, configured(func(c *parleyhttp.Config) {
		c.ReadTimeout = time.Second
		c.Sessions.PingEvery, c.Sessions.PongWithin = 200*time.Millisecond, 150*time.Millisecond
	}))
	c := w.raw("")
	c.send(masked(opText, `{"type":`))
	for {
		f, err := readServerFrame(c.in)
		if err != nil {
			t.Fatal(err)
		}
		switch f.op {
		case opPing:
			c.send(masked(fin|opPong, string(f.payload)))
		case opClose:
			if f.code() != websocket.ClosePolicyViolation {
				t.Errorf("closed with %d %q", f.code(), f.payload)
			}
			return
		}
	}
}

func TestClosesAreCountedOnce(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	for _, frames := range [][]byte{masked(3, ""), masked(fin|opBinary, ""), masked(fin|opClose, closing(1000, ""))} {
		c := w.raw("")
		c.send(frames)
		code := c.next().code()
		c.send(masked(fin|opClose, closing(uint16(code), ""))) // #nosec G115 -- codes have four digits
		_ = c.Close()
	}
	eventually(t, "all are gone", func() bool { return strings.Contains(w.scrape(), "chatbot_active_websockets 0") })
	all := w.scrape()
	for _, want := range []string{`{code="1000"} 1`, `{code="1002"} 1`, `{code="1003"} 1`, `{code="1006"} 0`} {
		if !strings.Contains(all, "chatbot_websocket_closes_total"+want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
}

// Whatever a client sends, the server answers with frames that are some, and goes
// on for the others.
func FuzzFrames(f *testing.F) {
	for _, in := range inputs(f) {
		if len(in.frames) < 1<<16 {
			f.Add(in.deflate, in.frames)
		}
	}
	w := serve(f, says(hello()...), sockets(func(c *parleyhttp.SessionConfig) {
		c.AcceptRate, c.MaxAddress, c.MessageRate = 1<<20, 1<<20, 1<<20
		c.PingEvery, c.PongWithin = 5*time.Minute, 4*time.Minute
	}))
	others := w.bystanders()
	f.Fuzz(func(t *testing.T, deflate bool, frames []byte) {
		offer := ""
		if deflate {
			offer = deflateOffer
		}
		w.tb = t // which is another for each input
		c := w.raw(offer)
		defer c.Close() //nolint:errcheck // it may be closed
		go func() {     // ends with the connection
			c.send(frames)
			_ = c.Conn.(*net.TCPConn).CloseWrite()
		}()
		for {
			if _, err := readServerFrame(c.in); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, new(*net.OpError)) {
					t.Fatal(err)
				}
				break
			}
		}
		others.live(t)
		if strings.Contains(w.logged.String(), "panic") {
			t.Error("there was a panic")
		}
	})
}
