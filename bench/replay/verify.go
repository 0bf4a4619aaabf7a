package main

import (
	"fmt"
	"strings"
	"time"
)

// line is an item of a conversation as a person reads it.
type line struct {
	Role string // user or assistant
	Text string
	// Optional: it may be missing, being of a turn that nobody acknowledged, or
	// of one that was cut before its first word.
	Optional bool
	// Any: nobody knows what it says.
	Any bool
}

// findings is what is wrong with what is kept, and how much.
type findings struct {
	Lost       int // acknowledged, and not there
	Different  int // there, but not as it was acknowledged
	Duplicated int // there more than once
	Remnants   int // of tries that a kill cut short, kept beside the one that was acknowledged
	Shortened  []shortening
	Notes      []string // a sentence on each of the first
}

// shortening is how much less of a cut turn is kept than was shown of it.
type shortening struct {
	Bytes  int
	Chunks int           // of the stream that were shown, and are not kept whole
	Age    time.Duration // of the first of them when the server was killed
}

const maxNotes = 20

func (f *findings) note(format string, args ...any) {
	if len(f.Notes) < maxNotes {
		f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
	}
}

func (f *findings) faults() int { return f.Lost + f.Different + f.Duplicated }

func (f *findings) lost(format string, args ...any) {
	f.Lost++
	f.note("lost: "+format, args...)
}

func (f *findings) different(format string, args ...any) {
	f.Different++
	f.note("different: "+format, args...)
}

func (f *findings) duplicated(format string, args ...any) {
	f.Duplicated++
	f.note("twice: "+format, args...)
}

// transcript is what a conversation has to read like.
func (c *conversation) transcript() []line {
	lines := make([]line, 0, 2*len(c.Turns))
	for _, t := range c.Turns {
		unknown := t.End == endUnknown
		lines = append(lines,
			line{Role: "user", Text: t.Question, Optional: unknown},
			line{Role: "assistant", Text: t.Text, Optional: unknown || t.Text == "", Any: unknown})
	}
	return lines
}

// compare finds what of want is not in got, what is there otherwise, and what
// is there too often.
func (f *findings) compare(where string, want, got []line) {
	matches := align(want, got)
	fromWant, fromGot := 0, 0
	for _, m := range append(matches, match{len(want), len(got)}) {
		f.gap(where, want, want[fromWant:m.want], got[fromGot:m.got])
		fromWant, fromGot = m.want+1, m.got+1
	}
}

// gap judges lines between two that match.
func (f *findings) gap(where string, all, want, got []line) {
	for _, g := range got {
		switch {
		case wants(all, g):
			f.duplicated("%s has again %s", where, g)
		case len(want) > 0 && want[0].Role == g.Role:
			if !want[0].Any {
				f.different("%s has %s for %s", where, g, want[0])
			}
			want = want[1:]
		default:
			f.different("%s has %s, which nobody said", where, g)
		}
	}
	for _, w := range want {
		if !w.Optional {
			f.lost("%s lacks %s", where, w)
		}
	}
}

func wants(all []line, g line) bool {
	for _, w := range all {
		if w.Role == g.Role && w.Text == g.Text {
			return true
		}
	}
	return false
}

func answer(text string) line { return line{Role: "assistant", Text: text} }

func (l line) String() string {
	const shown = 60
	text := l.Text
	if len(text) > shown {
		text = fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(text[:shown], ""), len(l.Text))
	}
	return fmt.Sprintf("%s's %q", l.Role, text)
}

// match is a pair of places that hold the same line.
type match struct{ want, got int }

// align returns the longest common subsequence of two transcripts.
func align(want, got []line) []match {
	same := func(i, j int) bool { return want[i].Role == got[j].Role && want[i].Text == got[j].Text }
	// length[i][j] is that of want[i:] and got[j:].
	length := make([][]int, len(want)+1)
	for i := range length {
		length[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			if same(i, j) {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var matches []match
	for i, j := 0, 0; i < len(want) && j < len(got); {
		switch {
		case same(i, j):
			matches = append(matches, match{i, j})
			i, j = i+1, j+1
		case length[i+1][j] >= length[i][j+1]:
			i++
		default:
			j++
		}
	}
	return matches
}
