package openai

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// redact replaces what looks like a key. Providers quote the key that they
// refuse, in part or in whole.
func redact(s string) string {
	var clean strings.Builder
	for s != "" {
		word := strings.IndexFunc(s, isWordRune)
		if word < 0 {
			word = len(s)
		}
		clean.WriteString(s[:word])
		s = s[word:]
		end := strings.IndexFunc(s, func(r rune) bool { return !isWordRune(r) })
		if end < 0 {
			end = len(s)
		}
		if looksSecret(s[:end]) {
			clean.WriteString("[redacted]")
		} else {
			clean.WriteString(s[:end])
		}
		s = s[end:]
	}
	return clean.String()
}

func isWordRune(r rune) bool {
	return r == '-' || r == '_' || r == '*' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// looksSecret knows the prefixes of providers' keys, and takes any long mixture
// of letters and digits for one. Names of models are long too, but have dashes.
func looksSecret(word string) bool {
	const longWord = 32 // the shortest keys without a prefix are 32 hex digits
	for _, prefix := range []string{"sk-", "sk_", "pk_", "pk-", "gsk_", "xai-", "AIza", "hf_"} {
		if strings.HasPrefix(word, prefix) && len(word) > len(prefix) {
			return true
		}
	}
	return len(word) >= longWord && !strings.Contains(word, "-") &&
		strings.ContainsFunc(word, unicode.IsDigit) && strings.ContainsFunc(word, unicode.IsLetter)
}

// oneLine makes a text fit to stand in a sentence: no line breaks or control
// characters, and at most longest bytes.
func oneLine(s string, longest int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(s) <= longest {
		return s
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
