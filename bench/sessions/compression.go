package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"example.com/parley/bench/socket"
)

// compression finds out what it gains and costs, of deltas and of whole messages
// apart, by the same load with it and without. Deltas are not compressed as it comes:
// the server of the first load is told to.
func (b *bench) compression(ctx context.Context) error {
	words := strings.TrimSpace(strings.Repeat("word ", longReply))
	if err := b.startServer(ctx, roomy, atOnce, "PARLEY_HTTP_SESSIONS_DEFLATE_DELTAS=true", "PARLEY_HTTP_SESSIONS_DEFLATE_FROM=0"); err != nil {
		return err
	}
	if err := b.compare(ctx, "deltas", socket.Create("simulated/echo", words, `,"store":false`)); err != nil {
		return fmt.Errorf("deltas: %w", err)
	}
	if err := b.startServer(ctx, roomy, atOnce); err != nil {
		return err
	}
	whole, err := b.storedReply(ctx, article())
	if err != nil {
		return fmt.Errorf("whole messages: %w", err)
	}
	if err := b.compare(ctx, "whole", whole); err != nil {
		return fmt.Errorf("whole messages: %w", err)
	}
	return nil
}

// compare makes a load with compression and without.
func (b *bench) compare(ctx context.Context, name, ask string) error {
	plain, err := b.load(ctx, ask, nil, completed)
	if err != nil {
		return err
	}
	deflated, err := b.load(ctx, ask, func(o *socket.Options) { o.Deflate = true }, completed)
	if err != nil {
		return err
	}
	b.line.Figure("compression_"+name, map[string]float64{
		"wire_to_plain": round(deflated.compressed), "wire_to_plain_without": round(plain.compressed), "bytes_a_message": round(deflated.plain / deflated.out),
		"cpu_us_a_message": round(deflated.micros()), "cpu_us_a_message_without": round(plain.micros()),
	})
	return nil
}

// article is some 8 KB of prose in which nothing is said twice in the same words.
func article() string {
	subjects := []string{"the engineer", "a customer", "our server", "that model", "the last reply", "a colleague", "the archive"}
	verbs := []string{"explains", "forgets", "measures", "answers", "repeats", "doubts", "improves"}
	objects := []string{"what was asked on Monday", "the difference between both", "a limit nobody knew", "why it took so long", "the third example"}
	var b strings.Builder
	for i := range 160 {
		fmt.Fprintf(&b, "In case %d, %s %s %s. ", i*i, subjects[i%7], verbs[(i/3)%7], objects[(i*3)%5])
	}
	return strings.TrimSpace(b.String())
}

// storedReply has a response stored, and returns the message that shows it again:
// a few events, most of which are whole.
func (b *bench) storedReply(ctx context.Context, text string) (resume string, err error) {
	r := socket.NewReader()
	c, ended, err := r.Hear(ctx, b.caller(0), socket.Create("simulated/echo", text, ""), 1<<30)
	if c != nil {
		c.Close()
	}
	if err == nil && !ended {
		err = errors.New("a response did not end")
	}
	return fmt.Sprintf(`{"type":"response.resume","response_id":%q}`, r.ID), err
}
