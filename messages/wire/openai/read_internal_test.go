package openai

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/parley/messages"
)

// walk reads a whole text by the reader's own means alone, and leaves nothing to
// jsontext.
func walk(r *reader) error {
	switch kindOf(r.peek()) {
	case anObject:
		return r.object(func([]byte) error { return walk(r) })
	case anArray:
		return r.array(1<<20, func(int) error { return walk(r) })
	default:
		return r.skip()
	}
}

// walkText tells what the reader makes of a text: everything read by itself, and
// everything passed over.
func walkText(text []byte, lenient bool) (walked, skipped error) {
	for _, read := range []struct {
		by  func(*reader) error
		err *error
	}{{walk, &walked}, {(*reader).skip, &skipped}} {
		r := newReader(text)
		r.lenient = lenient
		err := read.by(r)
		if err == nil {
			err = r.end()
		}
		*read.err = err
		r.release()
	}
	return walked, skipped
}

// jsonTexts are good and bad, each for a reason of its own.
var jsonTexts = []string{
	``, ` `, `null`, `true`, `false`, `nul`, `truex`, `"a"`, `"a`, `"`, `"\"`, `"\\"`, `"\u0041"`, `"\u004"`, `"\x"`, `"\ud83d\ude00"`, `"\ud83d"`,
	"\"\x00\"", "\"\t\"", "\"\x7f\"", "\"\xff\"", "\"é\"", "\"\xed\xa0\x80\"", `"abcdefgh"`, `"abcdefg"h`, "\"abcdefg\x1f\"", "\"abcdefgh\x80\"",
	`0`, `-0`, `01`, `-`, `1.`, `.1`, `1.5`, `1e5`, `1E+5`, `1e`, `1e-`, `-1.5e-7`, `+1`, `1 2`, `0x1`, `NaN`, `1e999`, `123456789012345678901234567890`,
	`[]`, `[1]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[`, `]`, `[1`, `[[[]]]`, `[}`,
	`{}`, `{"a":1}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{1:1}`, `{`, `}`, `{"a":1`, `{"a":1]`, `{"a":1}}`, `{"a":null}`, `{"a":nul}`,
	`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":1,"b":1}}`, `{"a":{"b":1},"b":{"a":1}}`, `[{"a":1},{"a":1}]`, `{"\u0061":1,"b":2,"\u0062":3}`,
	" \t\r\n{ \"a\" : [ 1 , { } ] } \n", "\ufeff{}", `{"a":1} x`, `{"a":1}{"b":2}`, "{\"\xff\":1}", "[\v]",
}

func TestReaderHoldsTextsToTheRulesOfJsontext(t *testing.T) {
	t.Parallel()
	for _, text := range jsonTexts {
		compareWithJsontext(t, []byte(text))
	}
}

// compareWithJsontext fails where the reader takes what jsontext refuses, or the
// reverse.
func compareWithJsontext(t *testing.T, text []byte) {
	t.Helper()
	want := jsontext.Value(text).IsValid()
	walked, skipped := walkText(text, false)
	if limited(walked) || limited(skipped) {
		return
	}
	if (walked == nil) != want || (skipped == nil) != want {
		t.Errorf("%q: jsontext says %t, the reader %v, and when it skips %v", text, want, walked, skipped)
	}
	want = jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	walked, skipped = walkText(text, true)
	if limited(walked) {
		return
	}
	if (walked == nil) != want || (skipped == nil) != want {
		t.Errorf("lenient, %q: jsontext says %t, the reader %v, and when it skips %v", text, want, walked, skipped)
	}
}

// limited tells whether the reader refused what is right but too much.
func limited(err error) bool {
	var deep *depthError
	var many *countError
	return errors.As(err, &deep) || errors.As(err, &many)
}

func FuzzReader(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Add([]byte(strings.Repeat("[", 70) + strings.Repeat("]", 70)))
	f.Fuzz(func(t *testing.T, text []byte) {
		compareWithJsontext(t, text)
		r := newReader(text)
		defer r.release()
		if s, err := r.string(); err == nil {
			compareString(t, text[:r.at], s)
		}
	})
}

func compareString(t *testing.T, quoted []byte, got string) {
	t.Helper()
	want, err := jsontext.AppendUnquote(nil, strings.TrimLeft(string(quoted), " \t\r\n"))
	if err != nil || string(want) != got {
		t.Errorf("%q reads as %q, want %q (%v)", quoted, got, want, err)
	}
	if written := appendString(nil, got); !jsontext.Value(written).IsValid() {
		t.Errorf("%q is written as %s", got, written)
	}
}

func TestReaderBoundsNesting(t *testing.T) {
	t.Parallel()
	for _, levels := range []int{maxDepth, maxDepth + 1} {
		for name, text := range map[string]string{
			"arrays":  strings.Repeat("[", levels) + strings.Repeat("]", levels),
			"objects": strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels),
		} {
			walked, skipped := walkText([]byte(text), false)
			if want := levels > maxDepth; limited(walked) != want || limited(skipped) != want {
				t.Errorf("%d nested %s: %v, and when skipped %v", levels, name, walked, skipped)
			}
		}
	}
	walked, _ := walkText([]byte(`["`+strings.Repeat("[{", 100)+`"]`), false)
	if walked != nil {
		t.Errorf("brackets in a string are not nested: %v", walked)
	}
}

func TestReaderBoundsMembers(t *testing.T) {
	t.Parallel()
	object := func(members int) []byte {
		text := []byte{'{'}
		for i := range members {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(appendString(text, "m"+strings.Repeat("x", i)), ":1"...)
		}
		return append(text, '}')
	}
	if walked, skipped := walkText(object(maxMembers), false); walked != nil || skipped != nil {
		t.Errorf("as many members as are allowed: %v, %v", walked, skipped)
	}
	if walked, skipped := walkText(object(maxMembers+1), false); !limited(walked) || skipped != nil {
		t.Errorf("one more than are allowed: %v, %v", walked, skipped)
	}
}

func TestReaderNamesTheValueThatItIsAt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"messages":[{"role":"user"},{"role":"user","content":1}]}`: "messages[1].content",
		`{"content":1}`:                            "content",
		`1`:                                        "",
		`{"a":{"b":{"content":[1]}}}`:              "a.b.content[0]",
		`{"":{"content":1}}`:                       "",
		`{"Somebody's secret":{"content":1}}`:      "",
		`{"a":{"Somebody's secret":[1]}}`:          "a",
		`{"a/b~c":1}`:                              "",
		`{"tools":[{"content":[[1]]}]}`:            "tools[0].content[0][0]",
		`{ "messages" : [ [ ] , [ [ ] , 1 ] ] }`:   "messages[1][1]",
		`{"content":[{"a":1},{"b":1}],"last":1}`:   "last",
		"{\"\xff\":1,\"content\":1,\"content\":1}": "content", // as far as a lenient reader goes
	} {
		r := newLenientReader([]byte(text))
		if err := walk(r); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		r.last = strings.LastIndex(text, "1") // walk ends at the outermost value
		if got := r.path(); got != want {
			t.Errorf("%s: the number is at %q, want %q", text, got, want)
		}
		r.release()
	}
}

func TestReaderReadsNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		integer int64
		ok      bool
	}{
		`3`: {3, true}, `3.0`: {3, true}, `3e0`: {3, true}, `30e-1`: {3, true}, `-7`: {-7, true}, `0`: {0, true},
		`9223372036854775807`: {9223372036854775807, true}, `9223372036854775808`: {0, false}, `1e30`: {0, false},
		`3.5`: {0, false}, `"3"`: {0, false}, `null`: {0, false}, `[3]`: {0, false}, `1e999`: {0, false},
	} {
		r := newReader([]byte(text))
		got, err := r.integer()
		if got != want.integer || (err == nil) != want.ok {
			t.Errorf("%s reads as %d, %v", text, got, err)
		}
		r.release()
	}
	r := newReader([]byte(`1e999`))
	defer r.release()
	if number, err := r.number(); err == nil {
		t.Errorf("a number that 64 bits do not hold reads as %g", number)
	}
}

func TestRawValuesStandOnOneLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{\n  \"a\" : [1,\r\n 2],\n \"b\":\"x\\ny z\" }": `{"a":[1,2],"b":"x\ny z"}`,
		`{ "a" : 1.50 }`: `{ "a" : 1.50 }`,
		"1":              "1",
	} {
		r := newReader([]byte(text))
		raw, err := r.raw()
		if err != nil || string(raw) != want {
			t.Errorf("%q is kept as %q, %v", text, raw, err)
		}
		if len(raw) > 0 {
			raw[0] = 'X'
		}
		if r.text[0] == 'X' {
			t.Errorf("%q is no copy", text)
		}
		r.release()
	}
}

func TestSkimAgreesWithTheReader(t *testing.T) {
	t.Parallel()
	for _, text := range jsonTexts {
		compareSkim(t, []byte(text))
	}
}

// compareSkim holds that skimming sees the members that reading sees, in any
// object that was read.
func compareSkim(t *testing.T, text []byte) {
	t.Helper()
	type member struct{ name, value string }
	var want, got []member
	r := newReader(text)
	defer r.release()
	err := r.object(func(name []byte) error {
		m := member{name: string(name)}
		value, err := r.view()
		m.value = string(value)
		want = append(want, m)
		return err
	})
	skimmed := skim(text, func(name, quoted, value []byte) {
		if string(value) != "null" { // which the reader leaves out
			got = append(got, member{string(name), string(value)})
		}
	})
	if err != nil || r.end() != nil {
		return // skimming need not find out, but it returned
	}
	if skimmed != nil || len(got) != len(want) {
		t.Fatalf("%q: %v, %d members, want %d", text, skimmed, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q: member %d is %q, want %q", text, i, got[i], want[i])
		}
	}
}

func FuzzSkim(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add([]byte(text))
	}
	f.Add([]byte(`{"model":"m","mod\u0065l2":{"a":["}",{}]},"n":-1.5e3 , "x":null}`))
	f.Fuzz(func(t *testing.T, text []byte) { compareSkim(t, text) })
}

func TestPlainLengthFindsTheFirstByteThatIsNotPlain(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		special := c < ' ' || c >= 0x80 || c == '"' || c == '\\'
		for at := range 20 {
			text := []byte(strings.Repeat("!", 20))
			text[at] = byte(c)
			want := len(text)
			if special {
				want = at
			}
			if got := plainLength(text); got != want {
				t.Fatalf("byte %#x at %d: %d", c, at, got)
			}
		}
	}
}

func TestAppendStringReplacesWhatIsNotUTF8(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":           `""`,
		"a\xffb":     "\"a\uFFFDb\"",
		"é\n\"\\":    `"é\n\"\\"`,
		"<script>&":  `"<script>&"`,
		"\u2028\x01": "\"\u2028\\u0001\"",
	} {
		if got := string(appendString(nil, text)); got != want {
			t.Errorf("%q is written as %s, want %s", text, got, want)
		}
	}
}

func TestPathsOfFailuresHoldNoContent(t *testing.T) {
	t.Parallel()
	f := refusal(&syntaxError{}, []byte(`{"metadata":{"my secret":1,"my secret":2}}`))
	if f.Code != messages.CodeInvalidJSON || f.Param != "metadata" || strings.Contains(f.Error(), "secret") {
		t.Errorf("got %v, %q", f, f.Param)
	}
}
