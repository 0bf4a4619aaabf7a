package http_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/messages"
)

// warmed plays the warmer: it says what it was asked for.
type warmed struct{}

func (*warmed) Warm(spec messages.WarmingSpec) (messages.Warming, error) {
	w := messages.Warming{ID: spec.ID, Status: messages.WarmingRunning, Total: len(spec.Turns), Budget: spec.Budget, Created: time.Unix(7, 0)}
	for i := range spec.Turns { // what a test can see of them
		w.Kept += len(spec.Turns[i].Input)
		w.Known += len(spec.Turns[i].Model)
	}
	w.Unfit, w.Failed = spec.PerMinute, int(spec.Turns[0].Cache.TTL/time.Second)
	return w, nil
}

func (*warmed) Warming(_ messages.TenantID, id messages.WarmingID) (messages.Warming, error) {
	if id != "warm_known" {
		return messages.Warming{}, &messages.Failure{Code: messages.CodeWarmingAbsent, What: "absent", Do: "look again"}
	}
	return messages.Warming{ID: id, Status: messages.WarmingComplete, Failure: messages.CodeOverloaded, Ended: time.Unix(9, 0)}, nil
}

func (*warmed) Cancel(_ messages.TenantID, id messages.WarmingID) (messages.Warming, error) {
	return messages.Warming{ID: id, Status: messages.WarmingCancelled}, nil
}

func TestCacheIsWarmed(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	for name, tt := range map[string]struct {
		body, want string
		headers    []string
	}{
		"prompts": {
			body: `{"model":"m1","prompts":["a?","b?"]}`,
			want: `"request_counts":{"total":2,"kept":2,"known":4,"unfit":60,"failed":0},"spent_nano_dollars":0,"budget_nano_dollars":1000000000,"created_at":7,"ended_at":null}`,
		},
		"prompts with instructions, a pace, a budget and a time to live": {
			body:    `{"model":"m1","instructions":"Be brief.","prompts":["a?"],"requests_per_minute":5,"budget_nano_dollars":9}`,
			headers: []string{"x-parley-cache-ttl", "90"},
			want:    `"request_counts":{"total":1,"kept":2,"known":2,"unfit":5,"failed":90},"spent_nano_dollars":0,"budget_nano_dollars":9,`,
		},
		"requests": {
			body: `{"requests":[{"model":"m1","messages":[{"role":"user","content":"a?"}]}]}`,
			want: `"total":1,"kept":1,"known":2`,
		},
		"lines": {
			body:    `{"model":"m1","messages":[{"role":"user","content":"a?"}]}` + "\n\n" + `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m22","messages":[{"role":"user","content":"b?"}]}}`,
			headers: []string{"Content-Type", "application/jsonl"},
			want:    `"total":2,"kept":2,"known":5`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := w.do(http.MethodPost, "/v1/cache/warm", tt.body, tt.headers...); r.status != http.StatusAccepted || !strings.Contains(r.body, tt.want) || !strings.Contains(r.body, `"id":"warm_`) {
				t.Errorf("%d %s, want %s", r.status, r.body, tt.want)
			}
		})
	}
}

func TestBadWarmingNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	for body, want := range map[string]string{
		`{`:                                  "",
		`{"prompt":["a?"]}`:                  "",
		`{"model":"m","prompts":["a?"]} {}`:  "",
		`{}`:                                 "prompts",
		`{"prompts":["a?"]}`:                 "model",
		`{"model":"m","prompts":["a?"," "]}`: "prompts[1]",
		`{"requests":[{"model":"m"}]}`:       "requests[0]",
		`{"model":"m","prompts":["a?"],"requests_per_minute":0}`:                             "requests_per_minute",
		`{"model":"m","prompts":["a?"],"budget_nano_dollars":-1}`:                            "budget_nano_dollars",
		`{"model":"m","prompts":[` + strings.Repeat(`"a?",`, messages.MostWarmed) + `"a?"]}`: "prompts",
	} {
		r := w.do(http.MethodPost, "/v1/cache/warm", body)
		if e := r.errorOf(t); r.status != http.StatusBadRequest || !strings.HasSuffix(e.Param, want) {
			t.Errorf("%.60s: %d %s, want %q to blame", body, r.status, r.body, want)
		}
	}
}

func TestWarmingIsLookedAtAndEnded(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	if r := w.do(http.MethodGet, "/v1/cache/warm/warm_known", ""); r.status != http.StatusOK || !strings.Contains(r.body, `"last_failure":"overloaded"`) || !strings.Contains(r.body, `"ended_at":9`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.do(http.MethodGet, "/v1/cache/warm/warm_other", ""); r.status != http.StatusNotFound || r.errorOf(t).Code != "cache_warming_not_found" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.do(http.MethodDelete, "/v1/cache/warm/warm_known", ""); r.status != http.StatusOK || !strings.Contains(r.body, `"status":"cancelled"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}
