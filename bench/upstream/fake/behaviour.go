package fake

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/parley/messages"
)

// Behaviour is how a call is answered. Its zero value answers at once, with the
// whole echo. See the package's documentation for how it is written.
type Behaviour struct {
	Tokens   int // words of the reply; 0: as many as the echo has
	Thinking int // words of reasoning before it
	Tools    int // calls of the first tool, whatever the request says
	Cached   int // tokens of the prompt billed as read from the cache
	Delay    time.Duration
	Interval time.Duration
	Finish   messages.FinishReason // empty: as the reply is
	Fault    Fault
}

// Fault is what goes wrong with a call.
type Fault struct {
	Kind       FaultKind
	Status     int // of FaultStatus
	RetryAfter time.Duration
	After      int // words before it
	Times      int // of FaultMalformed; 0 means 1
	First      int // only the first calls; 0: all
	Every      int // only each so many; 0: all
}

// FaultKind names a fault as the grammar does, behind "fault-".
type FaultKind string

// The kinds of fault.
const (
	FaultNone      FaultKind = ""
	FaultStatus    FaultKind = "status" // written as the status itself
	FaultRefuse    FaultKind = "refuse"
	FaultReset     FaultKind = "reset"
	FaultHang      FaultKind = "hang"
	FaultCut       FaultKind = "cut"
	FaultStall     FaultKind = "stall"
	FaultError     FaultKind = "error"
	FaultEOF       FaultKind = "eof"
	FaultMalformed FaultKind = "malformed"
	FaultGarbage   FaultKind = "garbage"
	FaultEndless   FaultKind = "endless"
	FaultSlowByte  FaultKind = "slowbyte"
	FaultNoUsage   FaultKind = "nousage"
)

func (k FaultKind) known() bool {
	switch k {
	case FaultRefuse, FaultReset, FaultHang, FaultCut, FaultStall, FaultError, FaultEOF,
		FaultMalformed, FaultGarbage, FaultEndless, FaultSlowByte, FaultNoUsage:
		return true
	default:
		return false
	}
}

// befalls tells whether the fault befalls the call, counted from 1.
func (f *Fault) befalls(call int64) bool {
	switch {
	case f.Kind == FaultNone:
		return false
	case f.First > 0 && call > int64(f.First):
		return false
	case f.Every > 0 && call%int64(f.Every) != 0:
		return false
	default:
		return true
	}
}

// Parse reads terms over base.
func Parse(base Behaviour, terms string) (Behaviour, error) {
	p := termReader{words: strings.Split(terms, "-")}
	b := base
	for len(p.words) > 0 && p.err == nil {
		p.term(&b)
	}
	if p.err != nil {
		return base, fmt.Errorf("read behaviour %q: %w", terms, p.err)
	}
	return b, nil
}

// ParseModel reads a model's name over base. ok tells whether it says anything.
func ParseModel(base Behaviour, model string) (b Behaviour, ok bool, err error) {
	_, terms, ok := strings.Cut(model, "fake")
	switch terms, joined := strings.CutPrefix(terms, "-"); {
	case !ok:
		return base, false, nil
	case terms == "":
		return base, true, nil
	case !joined:
		return base, false, nil // a name that has the word by chance
	default:
		b, err = Parse(base, terms)
		return b, true, err
	}
}

// termReader reads one term after the other, until the first fault.
type termReader struct {
	words []string
	err   error
}

func (p *termReader) term(b *Behaviour) {
	switch name := p.next(); name {
	case "":
	case "tokens":
		b.Tokens = p.number()
	case "thinking":
		b.Thinking = p.number()
	case "tools":
		b.Tools = p.number()
	case "cached":
		b.Cached = p.number()
	case "delay":
		b.Delay = p.duration()
	case "interval":
		b.Interval = p.duration()
	case "length":
		b.Finish = messages.FinishLength
	case "filter":
		b.Finish = messages.FinishContentFilter
	case "fault":
		p.fault(&b.Fault)
	case "retry":
		b.Fault.RetryAfter = time.Duration(p.number()) * time.Second
	case "after":
		b.Fault.After = p.number()
	case "times":
		b.Fault.Times = p.number()
	case "first":
		b.Fault.First = p.number()
	case "every":
		b.Fault.Every = p.number()
	default:
		p.fail("%q is no term", name)
	}
}

// fault begins a new fault: what the base said of its own is gone.
func (p *termReader) fault(f *Fault) {
	word := p.next()
	if status, err := strconv.Atoi(word); err == nil {
		if status < 400 || status > 599 {
			p.fail("status %d is no error", status)
		}
		*f = Fault{Kind: FaultStatus, Status: status}
		return
	}
	*f = Fault{Kind: FaultKind(word)}
	if word == "none" {
		*f = Fault{}
	} else if !f.Kind.known() {
		p.fail("%q is no fault", word)
	}
}

func (p *termReader) next() string {
	if len(p.words) == 0 {
		p.fail("it ends too early")
		return ""
	}
	word := p.words[0]
	p.words = p.words[1:]
	return word
}

func (p *termReader) number() int {
	const most = 1_000_000
	word := p.next()
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 || n > most {
		p.fail("%q is no number up to %d", word, most)
		return 0
	}
	return n
}

func (p *termReader) duration() time.Duration {
	word := p.next()
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 {
		p.fail("%q is no duration such as 5ms", word)
	}
	return d
}

func (p *termReader) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}
