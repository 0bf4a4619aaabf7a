package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/parley/bench/program"
)

// operate asks the operators' listener, and reads the answer into into.
func (r *rig) operate(ctx context.Context, method, path string, body, into any) error {
	key, err := os.ReadFile(filepath.Join(r.settings.Data, "admin-key"))
	if err != nil {
		return err
	}
	return ask(ctx, method, "http://"+r.settings.Admin+path, strings.TrimSpace(string(key)), body, into)
}

// ask sends JSON and reads JSON.
func ask(ctx context.Context, method, url, key string, body, into any) error {
	var sent io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	defer reply.Body.Close() //nolint:errcheck // it was read
	text, err := io.ReadAll(reply.Body)
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w", method, url, err)
	case reply.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("%s %s: status %d: %.200s", method, url, reply.StatusCode, text)
	case into == nil:
		return nil
	}
	return json.Unmarshal(text, into)
}

// newTenant makes a tenant, and returns a key of it.
func (r *rig) newTenant(ctx context.Context, name string) (key string, err error) {
	var tenant struct{ ID string }
	if err := r.operate(ctx, http.MethodPost, "/admin/tenants", map[string]string{"name": name}, &tenant); err != nil {
		return "", err
	}
	var made struct{ Key string }
	err = r.operate(ctx, http.MethodPost, "/admin/keys", map[string]string{"tenant": tenant.ID, "role": "member", "name": name}, &made)
	return made.Key, err
}

// rows counts the ledger's, once it has written down everything: those of turns that
// are not kept reach the store a moment later.
func (r *rig) rows(ctx context.Context) (rows int, err error) {
	const between, times = 500 * time.Millisecond, 40
	last := -1
	for range times {
		var list struct {
			Data []struct {
				Attempts int `json:"attempts"`
			}
		}
		if err := r.operate(ctx, http.MethodGet, "/admin/usage", nil, &list); err != nil {
			return 0, err
		}
		rows = 0
		for _, one := range list.Data {
			rows += one.Attempts
		}
		waiting, err := program.Scrape(ctx, r.settings.Admin)
		if err != nil {
			return 0, err
		}
		if rows == last && waiting["chatbot_ledger_queue_rows"] == 0 {
			return rows, nil
		}
		last = rows
		if err := program.Pause(ctx, between); err != nil {
			return 0, err
		}
	}
	return rows, nil
}
