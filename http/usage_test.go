package http_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	parleyhttp "example.com/parley/http"
	"example.com/parley/messages"
)

// spent plays the ledger. Its lines say what they were asked for.
type spent struct{}

func (spent) UsageReport(_ context.Context, q messages.UsageQuery) (messages.UsageReport, error) {
	line := messages.UsageTotal{
		Day: q.From.UTC().Format(time.DateOnly), Tenant: q.Tenant, Model: "=cmd|' /C calc'!A0", CacheTier: messages.CacheExact,
		Attempts: int64(q.Limit), Cost: 1500, Saved: 500,
	}
	report := messages.UsageReport{Lines: []messages.UsageTotal{line}, Sum: line}
	report.More = q.Skip == 0 && q.Limit == 1
	return report, nil
}

func TestTenantsReadTheirOwnUsage(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	for _, tt := range []struct{ query, key, want string }{
		{"", memberKey, `"provider":"","model":"=cmd|' /C calc'!A0","attempts":1000`},
		{"?group_by=tenant&tenant=rival", memberKey, `{"object":"usage","tenant":"acme","attempts"`},
		{"?group_by=tenant", otherKey, `"tenant":"other"`},
		{"?group_by=cache_tier,day&from=2030-01-31&to=2030-02-01T12:00:00Z", memberKey, `{"object":"usage","day":"2030-01-31","cache_tier":"exact","attempts"`},
		{"?group_by=none&limit=1", memberKey, `"has_more":true,"next_page":"1","summary":{"object":"usage","attempts":1,`},
		{"?group_by=none&limit=1&page=1", memberKey, `"has_more":false,"next_page":null`},
		{"", memberKey, `"cost_without_cache_nano_dollars":2000,"cost_nano_dollars":1500,"saved_nano_dollars":500,"cost_without_cache_micro_dollars":2,"cost_micro_dollars":2,"saved_micro_dollars":1,"saved_percent":25}`},
	} {
		r := w.do(http.MethodGet, "/v1/usage"+tt.query, "", "Authorization", "Bearer "+tt.key)
		if r.status != http.StatusOK || !strings.Contains(plain(r.body), tt.want) {
			t.Errorf("%s: %d %s, want %s", tt.query, r.status, r.body, tt.want)
		}
	}
}

// plain undoes what Go's JSON does for the sake of browsers.
func plain(body string) string { return strings.ReplaceAll(body, `\u0026`, "&") }

func TestUsageAsATableCarriesNothingOut(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	for _, ask := range [][2]string{{"?group_by=model&limit=1&format=csv", ""}, {"?group_by=model&limit=1", "text/csv"}} {
		r := w.do(http.MethodGet, "/v1/usage"+ask[0], "", "Accept", ask[1])
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/csv; charset=utf-8" || r.header.Get("x-parley-next-page") != "1" {
			t.Fatalf("%d %v", r.status, r.header)
		}
		table, err := csv.NewReader(strings.NewReader(r.body)).ReadAll()
		if err != nil || len(table) != 2 || table[0][0] != "model" || table[1][0] != "'=cmd|' /C calc'!A0" {
			t.Errorf("%v: %q", err, table)
		}
	}
}

func TestUsageQueriesThatCannotBe(t *testing.T) {
	t.Parallel()
	w := serve(t, says())
	for query, param := range map[string]string{
		"from=soon": "from", "to=2030-13-01": "to", "from=2030-01-02&to=2030-01-02": "to", "from=2020-01-01&to=2030-01-01": "from",
		"group_by=day,colour": "group_by", "limit=0": "limit", "limit=10001": "limit", "page=-1": "page", "format=xml": "format",
	} {
		r := w.do(http.MethodGet, "/v1/usage?"+query, "")
		if shown := r.errorOf(t); r.status != http.StatusBadRequest || shown.Param != param {
			t.Errorf("%s: %d %+v", query, r.status, shown)
		}
	}
}

// A line in JSON and in CSV says the same.
func TestUsageTableSaysWhatTheListSays(t *testing.T) {
	t.Parallel()
	by := messages.UsageGroups()
	line := messages.UsageTotal{
		Day: "2030-01-31", Tenant: "t", Key: "k", Provider: "p", Model: "m", CacheTier: messages.CacheMiss, Attempts: 1,
		Usage: messages.Usage{Input: 2, Cached: 3, CacheWrite: 4, Output: 5, Reasoning: 6}, Unpriced: 7, Cost: 8001, Saved: 9002,
	}
	table, err := parleyhttp.UsageCSV(by, []messages.UsageTotal{line})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(table))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[string]any)
	for i, column := range rows[0] {
		var value any
		if json.Unmarshal([]byte(rows[1][i]), &value) != nil {
			value = rows[1][i]
		}
		shown[column] = value
	}
	shown["object"] = "usage"
	text, err := json.Marshal(parleyhttp.ViewUsage(&line, by))
	if err != nil {
		t.Fatal(err)
	}
	var listed map[string]any
	if err := json.Unmarshal(text, &listed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(listed, shown); diff != "" {
		t.Errorf("(-list +table):\n%s", diff)
	}
}
