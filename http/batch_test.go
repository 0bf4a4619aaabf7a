package http_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/parley/messages"
)

// batched plays the batches: every request is answered with the model that it
// names, and fails where it is wrong.
type batched struct{}

func (batched) Do(ctx context.Context, spec messages.BatchSpec) (messages.Batch, error) {
	if len(spec.Requests) == 7 { // waits for its client to leave
		<-ctx.Done()
		return messages.Batch{}, context.Cause(ctx)
	}
	b := messages.Batch{ID: spec.ID, Status: messages.BatchComplete, Total: len(spec.Requests), Created: time.Unix(7, 0), Ended: time.Unix(8, 0)}
	for i := range spec.Requests {
		r := &spec.Requests[i]
		result := messages.BatchResult{Index: i, CustomID: r.CustomID, Request: r.Turn.ID, Err: r.Err}
		if r.Err != nil {
			b.Failed++
		} else {
			b.Completed++
			reply := r.Collector()
			for _, c := range hello() {
				reply.Add(c)
			}
			result.Body = reply.Append(nil)
		}
		if r.Err == nil && (r.Turn.Priority != messages.PriorityBatch || r.Turn.Tenant == "" || r.Turn.Endpoint == "") {
			result.Err = &messages.Failure{Code: messages.CodeInternal, What: "the turn is not as it should be"}
		}
		b.Results = append(b.Results, result)
	}
	return b, nil
}

func (batched) Begin(spec messages.BatchSpec) (messages.Batch, error) {
	return messages.Batch{ID: spec.ID, Status: messages.BatchRunning, Total: len(spec.Requests), Created: time.Unix(7, 0)}, nil
}

func (batched) Batch(_ messages.TenantID, id messages.BatchID) (messages.Batch, error) {
	if id != "batch_known" {
		return messages.Batch{}, &messages.Failure{Code: messages.CodeBatchAbsent, What: "absent", Do: "look again"}
	}
	return messages.Batch{ID: id, Status: messages.BatchComplete, Ended: time.Unix(8, 0), Expires: time.Unix(9, 0)}, nil
}

func (batched) Cancel(_ messages.TenantID, id messages.BatchID) (messages.Batch, error) {
	return messages.Batch{ID: id, Status: messages.BatchCancelled}, nil
}

// shownBatch is a batch as clients read it.
type shownBatch struct {
	ID, Object, Status string
	Counts             struct{ Total, Completed, Failed int } `json:"request_counts"`
	Created            int64                                  `json:"created_at"`
	Completed          *int64                                 `json:"completed_at"`
	Expires            *int64                                 `json:"expires_at"`
	Results            []struct {
		Index    int
		CustomID *string `json:"custom_id"`
		Response struct {
			Status  int    `json:"status_code"`
			Request string `json:"request_id"`
			Body    struct {
				Object  string
				Choices []struct{ Message struct{ Content string } }
				Error   *struct{ Code, Param string }
			}
		}
	}
}

func (r reply) batch(tb testing.TB) (b shownBatch) {
	tb.Helper()
	if err := json.Unmarshal([]byte(r.body), &b); err != nil {
		tb.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	return b
}

const batchPath = "/v1/chat/completions/batch"

func TestBatchAnswersEachRequestWithItsOwnStatus(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	line := `{"custom_id":"b","method":"POST","url":"/v1/chat/completions","body":` + question + `}`
	for name, tt := range map[string]struct {
		body    string
		headers []string
	}{
		"object": {body: `{"requests":[` + question + `,` + line + `,{"model":"demo"},` + streamed(question) + `,{"model":"demo","store":true,"n":2,"messages":[{"role":"user","content":"q"}]}]}`},
		"lines":  {body: question + "\n" + line + "\n\n{\n" + streamed(question) + "\n7\n", headers: []string{"Content-Type", "application/jsonl"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.do(http.MethodPost, batchPath, tt.body, tt.headers...)
			b := r.batch(t)
			if r.status != http.StatusOK || b.Object != "chat.completion.batch" || b.Status != "completed" || b.Counts.Total != 5 || b.Counts.Completed != 2 || b.Counts.Failed != 3 {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if !strings.HasPrefix(b.ID, "batch_") || b.Created != 7 || b.Completed == nil || b.Expires != nil {
				t.Errorf("%s", r.body)
			}
			for i, result := range b.Results {
				if result.Index != i || len(result.Response.Request) != 32 {
					t.Errorf("%d: %+v", i, result)
				}
				body := &result.Response.Body
				switch ok := i < 2; {
				case ok && (result.Response.Status != http.StatusOK || body.Object != "chat.completion" || body.Choices[0].Message.Content != "Hello"):
					t.Errorf("%d: %+v", i, result)
				case !ok && (result.Response.Status != http.StatusBadRequest || body.Error == nil || body.Error.Code == ""):
					t.Errorf("%d: %+v", i, result)
				}
			}
			if b.Results[0].CustomID != nil || b.Results[1].CustomID == nil || *b.Results[1].CustomID != "b" {
				t.Errorf("custom ids: %s", r.body)
			}
		})
	}
}

func TestBatchIsBegunLookedAtAndCancelled(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	for path, body := range map[string]string{batchPath: `{"async":true,"requests":[` + question + `]}`, batchPath + "?async=true": question} {
		headers := []string{"Content-Type", "application/json"}
		if strings.Contains(path, "?") {
			headers[1] = "application/jsonl"
		}
		r := w.do(http.MethodPost, path, body, headers...)
		if b := r.batch(t); r.status != http.StatusAccepted || b.Status != "in_progress" || b.Completed != nil || b.Counts.Total != 1 || b.Results == nil {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if r := w.do(http.MethodGet, batchPath+"/batch_known", ""); r.status != http.StatusOK || *r.batch(t).Expires != 9 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.do(http.MethodGet, batchPath+"/batch_other", ""); r.status != http.StatusNotFound || r.errorOf(t).Code != "batch_not_found" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := w.do(http.MethodDelete, batchPath+"/batch_known", ""); r.status != http.StatusOK || r.batch(t).Status != "cancelled" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestBadBatchNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	for body, want := range map[string]string{
		`{`:                    "invalid_json",
		`{"request":[]}`:       "invalid_json",
		`{"requests":[]}`:      "invalid_request",
		`{"requests":[{}]} {}`: "invalid_json",
		`{"requests":[` + strings.Repeat("{},", messages.MostBatched) + "{}]}": "invalid_request",
	} {
		if r := w.do(http.MethodPost, batchPath, body); r.status != http.StatusBadRequest || r.errorOf(t).Code != want {
			t.Errorf("%.40s: %d %s", body, r.status, r.body)
		}
	}
}

func TestBatchIsRepeatedUnderItsKey(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	body := `{"requests":[` + question + `]}`
	first := w.do(http.MethodPost, batchPath, body, "Idempotency-Key", "k")
	again := w.do(http.MethodPost, batchPath, body, "Idempotency-Key", "k")
	if first.status != http.StatusOK || again.body != first.body || again.header.Get("idempotent-replayed") != "true" {
		t.Errorf("%d %s\n%d %s", first.status, first.body, again.status, again.body)
	}
}

func TestBatchIsGivenUpWhenItsClientLeaves(t *testing.T) {
	t.Parallel()
	w := serve(t, nil)
	ctx, leave := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer leave()
	body := `{"requests":[` + strings.Repeat(question+",", 6) + question + `]}`
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+batchPath, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+memberKey)
	if resp, err := client.Do(request); err == nil {
		_ = resp.Body.Close()
		t.Fatalf("%d", resp.StatusCode)
	}
	eventually(t, "the server gave up", func() bool {
		return strings.Contains(w.scrape(), `endpoint="/v1/chat/completions/batch",method="POST",status="499"`)
	})
}
