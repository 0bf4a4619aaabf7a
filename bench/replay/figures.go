package main

import (
	"math"
	"time"

	"example.com/parley/bench/load"
	"example.com/parley/bench/report"
)

// outcome is everything that a run found out.
type outcome struct {
	conversations []*conversation
	findings      findings
	items         int
	repeated      int
	recovery      []time.Duration
	elapsed       time.Duration // of asking, outages included
}

// counts are what became of the turns.
type counts struct {
	Conversations int            `json:"conversations"`
	Turns         int            `json:"turns"`
	Streamed      int            `json:"streamed"`
	Ways          map[string]int `json:"turns_by_way"`
	Models        map[string]int `json:"turns_by_model"`
	Whole         int            `json:"whole"`
	Cut           int            `json:"cut"`        // by a kill
	Broken        int            `json:"broken"`     // not whole, and no kill to blame
	Unanswered    int            `json:"unanswered"` // after all tries
	Touched       int            `json:"met_a_kill"`
	Retried       int            `json:"asked_again"`
}

func count(played []*conversation) counts {
	c := counts{Conversations: len(played), Ways: make(map[string]int), Models: make(map[string]int)}
	for _, conversation := range played {
		for _, t := range conversation.Turns {
			c.Ways[conversation.Way.String()]++
			c.Models[t.Model]++
			c.add(t)
		}
	}
	return c
}

func (c *counts) add(t *turn) {
	c.Turns++
	if t.Stream {
		c.Streamed++
	}
	if t.touched() {
		c.Touched++
	}
	if t.Tries > 1 {
		c.Retried++
	}
	switch {
	case t.End == endUnknown:
		c.Unanswered++
	case t.End == endWhole:
		c.Whole++
	case t.touched():
		c.Cut++
	default:
		c.Broken++
	}
}

// quantiles of latencies, in milliseconds.
type quantiles struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

func quantilesOf(all []time.Duration) quantiles {
	l := load.Sorted(all)
	return quantiles{
		Count: len(l), P50: milliseconds(l.Quantile(.5)), P95: milliseconds(l.Quantile(.95)),
		P99: milliseconds(l.Quantile(.99)), Max: milliseconds(l.Quantile(1)),
	}
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}

// latencies are of turns that met no kill and were asked once: whole replies,
// whole streams, and the first text of a stream.
func latencies(played []*conversation) map[string]quantiles {
	var plain, streamed, first []time.Duration
	for _, c := range played {
		for _, t := range c.Turns {
			switch {
			case t.touched() || t.Tries != 1 || t.End != endWhole:
			case t.Stream:
				streamed, first = append(streamed, t.Ended.Sub(t.Began)), append(first, t.First)
			default:
				plain = append(plain, t.Ended.Sub(t.Began))
			}
		}
	}
	return map[string]quantiles{
		"plain": quantilesOf(plain), "stream": quantilesOf(streamed), "stream_first_text": quantilesOf(first),
	}
}

// shortenings says how much less is kept than was shown, of the turns where it
// is less.
type shortenings struct {
	Turns     int     `json:"turns"`
	Bytes     int     `json:"bytes"`
	MaxBytes  int     `json:"max_bytes"`
	MaxChunks int     `json:"max_chunks"`
	MaxAge    float64 `json:"max_age_ms"` // of the oldest chunk that is not kept, at the kill
}

func sum(all []shortening) shortenings {
	s := shortenings{Turns: len(all)}
	for _, one := range all {
		s.Bytes += one.Bytes
		s.MaxBytes = max(s.MaxBytes, one.Bytes)
		s.MaxChunks = max(s.MaxChunks, one.Chunks)
		s.MaxAge = max(s.MaxAge, milliseconds(one.Age))
	}
	return s
}

// fill writes what was found into the report.
func (o *outcome) fill(r *report.Report) {
	c := count(o.conversations)
	r.Figure("asked", c)
	r.Figure("kills", len(o.recovery))
	r.Figure("recovery_ms", quantilesOf(o.recovery))
	r.Figure("lost", o.findings.Lost)
	r.Figure("different", o.findings.Different)
	r.Figure("duplicated", o.findings.Duplicated)
	r.Figure("kept_of_cut_tries", o.findings.Remnants)
	r.Figure("shortened", sum(o.findings.Shortened))
	r.Figure("items_read_again", o.items)
	r.Figure("requests_repeated", o.repeated)
	r.Figure("latency_ms", latencies(o.conversations))
	r.Figure("elapsed_s", milliseconds(o.elapsed)/1000)
	r.Figure("turns_per_s", math.Round(10*float64(c.Turns)/o.elapsed.Seconds())/10)
	r.Target(report.Exactly("lost", 0, float64(o.findings.Lost)))
	r.Target(report.Exactly("different", 0, float64(o.findings.Different)))
	r.Target(report.Exactly("duplicated", 0, float64(o.findings.Duplicated)))
	// Without these a server that answers nobody would lose nothing.
	r.Target(report.Exactly("unanswered", 0, float64(c.Unanswered)))
	r.Target(report.Exactly("broken", 0, float64(c.Broken)))
}
