package fake

import (
	"strings"
	"testing"
)

// BenchmarkReply is all that a call costs beside HTTP. The yardstick's upstream
// must not be what a benchmark measures.
func BenchmarkReply(b *testing.B) {
	for name, f := range map[string]format{"chat": chatFormat{}, "messages": messagesFormat{}} {
		b.Run(name, func(b *testing.B) {
			s := New(Config{})
			body := []byte(`{"model":"fake-tokens-20","max_tokens":100,"messages":[{"role":"user","content":"` + strings.Repeat("hello ", 160) + `"}]}`)
			b.ReportAllocs()
			for b.Loop() {
				c, e, err := f.decode(body, s.newID())
				if err != nil {
					b.Fatal(err)
				}
				behaviour, err := s.behaviour(c.model, "", 1)
				if err != nil {
					b.Fatal(err)
				}
				e.whole(nil, play(&behaviour, &c))
			}
		})
	}
}
