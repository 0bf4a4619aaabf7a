package main

import "strings"

// remnant is what is kept of a try that a kill cut short. The try after it is a
// turn of its own, with the question once more.
type remnant struct {
	turn *turn
	at   int    // of its question, in the conversation
	text string // of its answer, as far as there is one
}

// layoutOf finds out which lines of a conversation belong to which turn: the
// place of each acknowledged question, -1 where it is not to be found, and what
// is left of tries before it.
func (c *conversation) layoutOf(got []line) (questions []int, remnants []remnant) {
	at := 0
	lost := false
	for _, t := range c.Turns {
		for tries := t.lost(); tries > 0 && !lost; tries-- {
			r, size := t.remnantAt(got, at)
			if size == 0 {
				break
			}
			remnants = append(remnants, r)
			at += size
		}
		if lost = lost || at >= len(got) || !isQuestion(got[at], t); lost {
			questions = append(questions, -1)
			continue
		}
		questions = append(questions, at)
		if at++; at < len(got) && got[at].Role == "assistant" {
			at++
		}
	}
	return questions, remnants
}

func isQuestion(l line, t *turn) bool { return l.Role == "user" && l.Text == t.Question }

// remnantAt finds a try of the turn: its question, perhaps part of an answer
// that is not the one that was acknowledged, and then the question again. size
// is how many lines it has, 0 where there is none.
func (t *turn) remnantAt(got []line, at int) (r remnant, size int) {
	holds := func(i int) bool { return i < len(got) && isQuestion(got[i], t) }
	switch {
	case !holds(at):
		return remnant{}, 0
	case holds(at + 1):
		return remnant{turn: t, at: at}, 1
	case holds(at+2) && got[at+1].Role == "assistant" && got[at+1].Text != t.Text:
		return remnant{turn: t, at: at, text: got[at+1].Text}, 2
	default:
		return remnant{}, 0
	}
}

// without returns a conversation without remnants.
func without(got []line, remnants []remnant) []line {
	var left []line
	from := 0
	for _, r := range remnants {
		left = append(left, got[from:r.at]...)
		from = r.at + 1
		if r.text != "" {
			from++
		}
	}
	return append(left, got[from:]...)
}

// conversation compares what is kept of a conversation with what its client
// saw, and every answer with what the upstream says to what is kept before it:
// it begins with a hash of the history that it was sent.
func (f *findings) conversation(c *conversation, got []line) {
	questions, remnants := c.layoutOf(got)
	f.Remnants += len(remnants)
	faults := f.faults()
	if f.compare(c.ID, c.transcript(), without(got, remnants)); f.faults() > faults {
		return // the history of what follows is not what it should be, which is noted
	}
	for _, r := range remnants {
		switch whole := upstreamReply(r.turn.Model, got[:r.at+1]); {
		case r.text == whole:
			f.duplicated("%s was answered whole, and asked again", r.turn.Key)
		case !strings.HasPrefix(whole, r.text):
			f.different("a try of %s is kept as %s, which %s does not begin with", r.turn.Key, answer(r.text), answer(whole))
		}
	}
	for i, at := range questions {
		if at < 0 {
			return // nobody answered it, and what it left behind is not known
		}
		f.reply(c.Turns[i], upstreamReply(c.Turns[i].Model, got[:at+1]))
	}
}

// chain does the same for responses that follow each other. Only their client
// knows what they follow.
func (f *findings) chain(c *conversation) {
	var history []line
	for _, t := range c.Turns {
		if t.End == endUnknown {
			return
		}
		history = append(history, line{Role: "user", Text: t.Question})
		f.reply(t, upstreamReply(t.Model, history))
		if t.Text != "" {
			history = append(history, answer(t.Text))
		}
	}
}

// reply compares what was acknowledged of a turn with the whole text.
func (f *findings) reply(t *turn, whole string) {
	switch {
	case t.End == endWhole && t.Text != whole:
		f.different("%s was answered %s instead of %s", t.Key, answer(t.Text), answer(whole))
	case t.End == endCut && !strings.HasPrefix(whole, t.Text):
		f.different("%s was cut to %s, which %s does not begin with", t.Key, answer(t.Text), answer(whole))
	}
}

// glimpse holds the durability contract against what a client was shown before
// the server was killed: what is kept under the name that it was shown is a
// prefix of it, or begins with it. status is what the kept response says of
// itself.
func (f *findings) glimpse(t *turn, g *glimpse, kept, status string) {
	switch {
	case !g.agrees(kept):
		f.different("%s showed %s, and is kept with %s", g.Response, answer(g.text()), answer(kept))
	case g.Response == t.Response && t.End == endWhole && len(kept) < len(g.text()):
		f.different("%s showed %s, and then ended with %s", g.Response, answer(g.text()), answer(kept))
	case g.Response != t.Response && status == "completed":
		f.duplicated("%s was answered whole as %s, and again as %s", t.Key, g.Response, t.Response)
	case len(kept) < len(g.text()):
		f.Shortened = append(f.Shortened, g.shortening(len(kept)))
	}
}

// shortening measures what a glimpse shows beyond the bytes that are kept.
func (g *glimpse) shortening(kept int) shortening {
	var s shortening
	end := 0
	for _, p := range g.Pieces {
		end += len(p.Text)
		if end <= kept {
			continue
		}
		if s.Chunks++; s.Chunks == 1 {
			s.Age = g.Cut.Sub(p.At)
		}
	}
	s.Bytes = end - kept
	return s
}
