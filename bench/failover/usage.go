package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/parley/bench/program"
)

// used is what the server billed for one model at one provider.
type used struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Attempts int    `json:"attempts"`
	Input    int    `json:"input_tokens"`
}

// usage asks the server what it billed, once it has written down everything: rows
// of turns that are not kept reach the store a moment later.
func (b *bench) usage(ctx context.Context) ([]used, error) {
	const between, atMost = 500 * time.Millisecond, 20 * time.Second
	last, err := b.usageNow(ctx)
	for deadline := time.Now().Add(atMost); err == nil && time.Now().Before(deadline); {
		if err := program.Pause(ctx, between); err != nil {
			return nil, err
		}
		var now []used
		if now, err = b.usageNow(ctx); err == nil && rowsOf(now) == rowsOf(last) {
			return now, nil
		}
		last = now
	}
	return nil, fmt.Errorf("read what was billed: %w", err)
}

func rowsOf(all []used) (rows int) {
	for _, u := range all {
		rows += u.Attempts
	}
	return rows
}

func (b *bench) usageNow(ctx context.Context) ([]used, error) {
	key, err := os.ReadFile(filepath.Join(b.parley.Data, "admin-key"))
	if err != nil {
		return nil, err
	}
	body, err := program.Fetch(ctx, "http://"+b.parley.Admin+"/admin/usage", strings.TrimSpace(string(key)))
	if err != nil {
		return nil, err
	}
	var list struct {
		Data []used `json:"data"`
	}
	err = json.Unmarshal([]byte(body), &list)
	return list.Data, err
}

// bill is what a fault's requests were billed, all states together but for
// continued.
type bill struct {
	Rows   float64 `json:"usage_rows_per_request"`
	Billed float64 `json:"replies_billed"` // by their input tokens
	Twice  float64 `json:"billed_twice"`   // beyond one for each reply of which a client saw anything
}

// billOf finds a fault's rows by their models' names. Every reply is to the same
// question, so that input tokens count replies.
func billOf(f *fault, all []used, t *tally) bill {
	rows, input := 0, 0
	for _, u := range all {
		if model, _, _ := strings.Cut(u.Model, "-"); model == f.name && u.Model != f.provider(continued) {
			rows += u.Attempts
			input += u.Input
		}
	}
	billed := float64(input) / questionTokens
	return bill{Rows: share(float64(rows), t.Requests), Billed: round(billed), Twice: round(max(0, billed-float64(t.Whole+t.Told)))}
}
