package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"example.com/parley/bench/program"
	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

// readers are clients who read replies as they come, for seconds each, by way of any
// node. They ask for them to be continued, and know what the model will say. Where the
// node goes down that a client is at, it reads on at another.
type readers struct {
	site  *site
	text  string
	group sync.WaitGroup
	stop  context.CancelFunc
	over  context.Context

	mu    sync.Mutex
	found streamFigures
}

// streamFigures are what readers saw.
type streamFigures struct {
	Whole     int `json:"whole"`     // read to their end, all of it
	Continued int `json:"continued"` // of these, by another node than the one that began
	Resumed   int `json:"resumed"`   // of these, read on at another node than the one that was asked
	Cut       int `json:"cut"`       // that ended with the connection to the node that was asked, before anything came
	Lost      int `json:"lost"`      // that could not be read on
	Refused   int `json:"refused"`   // ended with a failure that says to try again, or were not begun

	Reasons map[string]int `json:"refused_with"` // its codes
	Gaps    int            `json:"gaps"`
	Repeats int            `json:"repeats"`
	Final   int            `json:"not_to_be_retried"` // were refused for good
	Untrue  int            `json:"untrue"`            // of which the store had another text than the client
}

const (
	readersEach   = 6
	streamWords   = 150              // some four seconds of them
	streamSilence = 12 * time.Second // in which something has to come: the longest outage, and a ping
	readOnWithin  = 30 * time.Second // by way of any node
)

func newReaders(ctx context.Context, s *site) *readers {
	r := &readers{site: s, text: socket.Prose(streamWords), found: streamFigures{Reasons: make(map[string]int)}}
	r.over, r.stop = context.WithCancel(ctx)
	for i := range readersEach {
		r.group.Go(func() { r.work(i) })
	}
	return r
}

// goHome ends what they are at, and returns what they saw.
func (r *readers) goHome() streamFigures {
	r.stop()
	r.group.Wait()
	return r.found
}

func (r *readers) work(next int) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for ; r.over.Err() == nil; next++ {
		s := &seenStream{cursor: -1}
		s.read(r.over, client, r.site.balanced(&next), r.site.key, r.text)
		r.readOn(r.over, client, s, next+1)
		if r.over.Err() != nil {
			return
		}
		if s.ended != "" && s.id != "" {
			r.compare(client, s, next+1)
		}
		r.note(s)
		if s.ended != "completed" {
			select {
			case <-time.After(retryPause):
			case <-r.over.Done():
			}
		}
	}
}

// readOn goes on with a stream whose connection broke, as long as others break too.
func (r *readers) readOn(ctx context.Context, client *http.Client, s *seenStream, next int) {
	ctx, cancel := context.WithTimeout(ctx, readOnWithin)
	defer cancel()
	for ; s.ended == "" && s.id != "" && ctx.Err() == nil; next++ {
		s.resumed = true
		s.follow(ctx, client, r.site.balanced(&next), r.site.key)
		_ = program.Pause(ctx, retryPause) // which the loop looks at
	}
}

func (r *readers) note(s *seenStream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := &r.found
	f.Gaps += s.gaps
	f.Repeats += s.repeats
	switch s.ended {
	case "completed":
		if f.Whole++; s.continued {
			f.Continued++
		}
		if s.resumed {
			f.Resumed++
		}
		if s.said.String() != r.text || s.other {
			f.Untrue++
			report.Say("response %s was read as %d bytes of %d; the store has another text: %t", s.id, s.said.Len(), len(r.text), s.other)
		}
	case "":
		if s.id == "" {
			f.Cut++
			return
		}
		f.Lost++
		report.Say("response %s could not be read on behind %d within %s", s.id, s.cursor, readOnWithin)
	default:
		f.Refused++
		f.Reasons[s.ended]++
		if s.final {
			f.Final++
		}
		if !strings.HasPrefix(r.text, s.said.String()) || s.other && strings.HasPrefix(s.ended, "incomplete") {
			f.Untrue++
			report.Say("response %s was read as %d bytes and %s; the store has it whole: %t", s.id, s.said.Len(), s.ended, s.other)
		}
	}
}

// compare asks another node for the response. Nobody is told that one is not whole which
// is.
func (r *readers) compare(client *http.Client, s *seenStream, next int) {
	c := newClient(r.site, next, func(string) {})
	c.http = client
	a, err := c.do(r.over, http.MethodGet, "/v1/responses/"+s.id, "", nil)
	if err != nil {
		return // nobody answers: that is for the others to see
	}
	var stored socket.Event
	err = json.Unmarshal(fmt.Appendf(nil, `{"response":%s}`, a.body), &stored)
	whole := stored.Response.Status == "completed"
	s.other = err != nil || whole != (s.ended == "completed") || whole && stored.Text() != s.said.String()
}

// seenStream is a reply as one client reads it.
type seenStream struct {
	id        string
	cursor    int64 // of the last event
	said      strings.Builder
	ended     string // completed, or why not; empty where the connection broke
	broken    bool   // it ended with an error, behind which a turn may go on
	final     bool   // trying again does not help
	continued bool
	resumed   bool
	other     bool
	gaps      int
	repeats   int
}

// read asks a node, and reads to the end.
func (s *seenStream) read(ctx context.Context, client *http.Client, at *node, key, text string) {
	body := fmt.Sprintf(`{"model":"simulated/echo","stream":true,"input":%q}`, text)
	request, err := http.NewRequest(http.MethodPost, "http://"+at.settings.Address+"/v1/responses", strings.NewReader(body)) //nolint:noctx // listen has it
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("X-Parley-Continue", "true")
	if refused := s.listen(ctx, client, request); refused != nil {
		s.ended, s.final = refused.kind(nil), !refused.again(nil)
	}
}

// follow asks a node for what comes behind what was read, and reads to the end. A
// refusal to try again behind leaves it as it is.
func (s *seenStream) follow(ctx context.Context, client *http.Client, at *node, key string) {
	path := fmt.Sprintf("/v1/responses/%s?stream=true&starting_after=%d", s.id, s.cursor)
	request, err := http.NewRequest(http.MethodGet, "http://"+at.settings.Address+path, http.NoBody) //nolint:noctx // listen has it
	if err != nil {
		return
	}
	request.Header.Set("Authorization", "Bearer "+key)
	if refused := s.listen(ctx, client, request); refused != nil && !refused.again(nil) {
		report.Say("response %s could not be read on behind %d: status %d: %s", s.id, s.cursor, refused.status, refused.body)
		s.ended, s.final = refused.kind(nil), true
	}
}

// listen reads events until the last, or until the connection breaks. It returns the
// answer of a node that sends none.
func (s *seenStream) listen(ctx context.Context, client *http.Client, request *http.Request) (refused *answer) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(streamSilence, cancel)
	defer silence.Stop()
	reply, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return nil
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	if reply.StatusCode != http.StatusOK {
		refused = &answer{status: reply.StatusCode}
		refused.body, _ = io.ReadAll(io.LimitReader(reply.Body, 1<<20))
		return refused
	}
	for lines := bufio.NewScanner(reply.Body); s.ended == "" && lines.Scan(); {
		silence.Reset(streamSilence)
		s.hear(lines.Text())
	}
	if s.broken && s.id != "" { // it says how to read on
		s.ended, s.broken = "", false
	}
	return nil
}

func (s *seenStream) hear(line string) {
	if strings.HasPrefix(line, ":") && strings.Contains(line, "parley.continued") {
		s.continued = true
	}
	data, is := strings.CutPrefix(line, "data: ")
	var e struct {
		socket.Event
		Code string
	}
	if !is || json.Unmarshal([]byte(data), &e) != nil {
		return
	}
	if e.Type == "error" {
		s.ended, s.broken = cmp.Or(e.Code, "error"), true
		return
	}
	s.place(&e.Event)
	if e.Response.ID != "" {
		s.id = e.Response.ID
	}
	s.said.WriteString(e.Delta)
	if e.IsLast() {
		if s.ended = e.Response.Status; e.Response.Details.Reason != "" {
			s.ended += "_" + e.Response.Details.Reason
		}
	}
}

// place tells whether an event is the next one: numbers advance by one, and behind a
// delta by its length.
func (s *seenStream) place(e *socket.Event) {
	want := s.cursor + max(1, int64(len(e.Delta)))
	switch {
	case s.resumed && e.IsLast() && e.Response.Details.Reason == "server_restart" && e.Sequence <= s.cursor:
		return // what was shown reached further than what was stored
	case e.Sequence > want:
		s.gaps++
	case e.Sequence < want:
		s.repeats++
	}
	s.cursor = e.Sequence
}
