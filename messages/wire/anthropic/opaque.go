package anthropic

import (
	"strconv"
	"strings"
)

// An item's Opaque is a run of records, one a block of thinking, in order:
//
//	anthropic:t<bytes>:<signature>;    thinking, and how many bytes of the item's text are its own
//	anthropic:r:<data>;                redacted_thinking
//
// Neighbouring blocks become one reasoning item, whose texts and opaques are
// joined: the lengths take it apart again. Signatures and data are base64 and
// hold neither of the separators.
const (
	opaquePrefix   = "anthropic:"
	opaqueThinking = opaquePrefix + "t"
	opaqueRedacted = opaquePrefix + "r:"
)

// thought is one block of thinking.
type thought struct {
	redacted bool
	text     string // of thinking
	length   int    // of text in bytes, by its record
	proof    string // signature of thinking, data of redacted_thinking
}

// thinkingRecord is what a block of n bytes of thinking adds to its item's
// Opaque, or "" for one that was not signed and cannot be given back.
func thinkingRecord(n int, signature string) string {
	if !recordable(signature) {
		return ""
	}
	return opaqueThinking + strconv.Itoa(n) + ":" + signature + ";"
}

// redactedRecord is the same for a block of redacted_thinking.
func redactedRecord(data string) string {
	if !recordable(data) {
		return ""
	}
	return opaqueRedacted + data + ";"
}

func recordable(proof string) bool { return proof != "" && !strings.Contains(proof, ";") }

// thoughtsOf takes a reasoning item apart. It returns nothing unless the text
// and the records fit each other to the byte: Anthropic refuses a block whose
// text is not the one that was signed.
func thoughtsOf(text, opaque string) []thought {
	thoughts := recordsOf(opaque)
	for i := range thoughts {
		t := &thoughts[i]
		if t.length > len(text) {
			return nil
		}
		t.text, text = text[:t.length], text[t.length:]
	}
	if text != "" {
		return nil
	}
	return thoughts
}

// recordsOf reads records, of which it knows no text. It returns nothing where
// one of them is not of this package.
func recordsOf(opaque string) []thought {
	var thoughts []thought
	for opaque != "" {
		record, rest, ok := strings.Cut(opaque, ";")
		if !ok {
			return nil
		}
		t, ok := parseRecord(record)
		if !ok {
			return nil
		}
		thoughts, opaque = append(thoughts, t), rest
	}
	return thoughts
}

// parseRecord reads a record without its semicolon.
func parseRecord(record string) (t thought, ok bool) {
	if data, ok := strings.CutPrefix(record, opaqueRedacted); ok {
		return thought{redacted: true, proof: data}, data != ""
	}
	rest, ok := strings.CutPrefix(record, opaqueThinking)
	if !ok {
		return thought{}, false
	}
	length, signature, ok := strings.Cut(rest, ":")
	if !ok || signature == "" {
		return thought{}, false
	}
	n, err := strconv.Atoi(length)
	return thought{length: n, proof: signature}, err == nil && n >= 0
}
