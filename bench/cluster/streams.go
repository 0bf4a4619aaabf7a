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

	"example.com/parley/bench/report"
	"example.com/parley/bench/socket"
)

// readers are clients who read replies as they come, for seconds each, by way of any
// node. They ask for them to be continued, and know what the model will say.
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
	Cut       int `json:"cut"`       // that ended with the connection to the node that was asked
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
		if r.over.Err() != nil {
			return
		}
		if s.ended == "completed" {
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
		if s.said.String() != r.text || s.other {
			f.Untrue++
			report.Say("response %s was read as %d bytes of %d; the store has another text: %t", s.id, s.said.Len(), len(r.text), s.other)
		}
	case "":
		f.Cut++
	default:
		f.Refused++
		f.Reasons[s.ended]++
		if s.final {
			f.Final++
		}
	}
}

// compare asks another node for the response.
func (r *readers) compare(client *http.Client, s *seenStream, next int) {
	c := newClient(r.site, next, func(string) {})
	c.http = client
	a, err := c.do(r.over, http.MethodGet, "/v1/responses/"+s.id, "", nil)
	if err != nil {
		return // nobody answers: that is for the others to see
	}
	var stored socket.Event
	if json.Unmarshal(fmt.Appendf(nil, `{"response":%s}`, a.body), &stored) != nil || stored.Text() != s.said.String() {
		s.other = true
	}
}

// seenStream is a reply as one client reads it.
type seenStream struct {
	id        string
	cursor    int64 // of the last event
	said      strings.Builder
	ended     string // completed, or why not; empty where the connection broke
	final     bool   // trying again does not help
	continued bool
	other     bool
	gaps      int
	repeats   int
}

// read asks a node, and reads to the end.
func (s *seenStream) read(ctx context.Context, client *http.Client, at *node, key, text string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(streamSilence, cancel)
	defer silence.Stop()
	body := fmt.Sprintf(`{"model":"simulated/echo","stream":true,"input":%q}`, text)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at.settings.Address+"/v1/responses", strings.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("X-Parley-Continue", "true")
	reply, err := client.Do(request)
	if err != nil {
		return
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	if reply.StatusCode != http.StatusOK {
		refusal := answer{status: reply.StatusCode}
		refusal.body, _ = io.ReadAll(io.LimitReader(reply.Body, 1<<20))
		s.ended, s.final = refusal.kind(nil), !refusal.again(nil)
		return
	}
	for lines := bufio.NewScanner(reply.Body); s.ended == "" && lines.Scan(); {
		silence.Reset(streamSilence)
		s.hear(lines.Text())
	}
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
		s.ended = cmp.Or(e.Code, "error")
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
	case e.Sequence > want:
		s.gaps++
	case e.Sequence < want:
		s.repeats++
	}
	s.cursor = e.Sequence
}
