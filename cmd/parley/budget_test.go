package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// pricedModel has the simulated model cost a thousand nano-dollars a token, and
// lets budgets settle faster than a person would notice.
const pricedModel = `
prices:
  "simulated/*": { input: 1000000, output: 1000000 }
budgets: { refresh: 50ms, idle: 200ms, lease: 5s }
providers: { simulated: { first_token: 1ms, token_interval: 1ms } }
`

// budgetOf is a budget as the admin listener writes it.
type budgetOf struct {
	ID     string `json:"id"`
	Spent  int64  `json:"spent_nano_dollars"`
	Left   int64  `json:"left_nano_dollars"`
	Leased int64  `json:"leased_nano_dollars"`
}

// tenantID is the first tenant's.
func (p *process) tenantID() string {
	p.t.Helper()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(p.operate("GET", "/admin/tenants", "").body), &list); err != nil || len(list.Data) == 0 {
		p.t.Fatalf("the tenants: %v", err)
	}
	return list.Data[0].ID
}

// setBudget gives the first tenant one.
func (p *process) setBudget(period string, limit int64) (b budgetOf) {
	p.t.Helper()
	answer := p.operate("PUT", "/admin/budgets", fmt.Sprintf(`{"tenant":%q,"period":%q,"limit_nano_dollars":%d}`, p.tenantID(), period, limit))
	if err := json.Unmarshal([]byte(answer.body), &b); err != nil || answer.status > http.StatusCreated {
		p.t.Fatalf("set a budget: %d %s", answer.status, answer.body)
	}
	return b
}

func (p *process) budget(id string) (b budgetOf) {
	p.t.Helper()
	answer := p.operate("GET", "/admin/budgets/"+id, "")
	if err := json.Unmarshal([]byte(answer.body), &b); err != nil || answer.status != http.StatusOK {
		p.t.Fatalf("read a budget: %d %s", answer.status, answer.body)
	}
	return b
}

// ledgerSum is what all rows came to.
func (p *process) ledgerSum() int64 {
	p.t.Helper()
	var report struct {
		Summary struct {
			Cost int64 `json:"cost_nano_dollars"`
		} `json:"summary"`
	}
	if err := json.Unmarshal([]byte(p.operate("GET", "/admin/usage", "").body), &report); err != nil {
		p.t.Fatal(err)
	}
	return report.Summary.Cost
}

// try sends a request to a server that may die under it.
func (p *process) try(path, key, body string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	return p.client().Do(request)
}

const cheapQuestion = `{"model":"simulated/x","max_tokens":8,"messages":[{"role":"user","content":"Hello!"}]}`

func TestHardBudgetRefusesWhatItHasNoRoomFor(t *testing.T) {
	t.Parallel()
	p := configured(t, pricedModel)
	b := p.setBudget("month", 1_000_000) // a tenth of a cent: a request reserves some 100 tokens, and comes to some 15
	eventually(t, "the budget to hold", func() bool {
		response := p.open(p.key, cheapQuestion)
		_ = response.Body.Close()
		left, err := strconv.Atoi(response.Header.Get("x-parley-budget-remaining"))
		return err == nil && left < 1000
	})
	answered := 0
	var refused reply
	for range 200 {
		if refused = p.ask(p.key, cheapQuestion); refused.status != http.StatusOK {
			break
		}
		answered++
	}
	told := p.open(p.key, cheapQuestion)
	_ = told.Body.Close()
	if refused.status != http.StatusTooManyRequests || !strings.Contains(refused.body, `"code":"budget_exceeded"`) ||
		!strings.Contains(refused.body, `"type":"insufficient_quota"`) || !strings.Contains(refused.body, "it begins anew at ") ||
		told.Header.Get("x-should-retry") != "false" {
		t.Fatalf("after %d: %d %s %v", answered, refused.status, refused.body, told.Header)
	}
	const reservation = 150_000 // nano-dollars, a bit more than a request's
	eventually(t, "the rows to be counted", func() bool { return p.budget(b.ID).Spent == p.ledgerSum() })
	if now := p.budget(b.ID); now.Spent > 1_000_000 || now.Left > reservation {
		t.Errorf("after %d answers: %+v", answered, now)
	}
	if stored := p.post("/v1/responses", p.key, `{"model":"simulated/x","max_output_tokens":8,"input":"Hello!"}`); stored.status != http.StatusTooManyRequests {
		t.Errorf("a turn that is kept: %d %s", stored.status, stored.body)
	}
	own := p.get("/v1/budget", p.key)
	if own.status != http.StatusOK || !strings.Contains(own.body, `"id":"`+b.ID+`"`) || !strings.Contains(own.body, `"key":null`) {
		t.Errorf("the tenant reads %d %s", own.status, own.body)
	}
	p.setBudget("month", 2_000_000)
	eventually(t, "a raised budget to hold", func() bool { return p.ask(p.key, cheapQuestion).status == http.StatusOK })
	if gone := p.operate("DELETE", "/admin/budgets/"+b.ID, ""); gone.status != http.StatusOK {
		t.Errorf("delete: %d %s", gone.status, gone.body)
	}
	eventually(t, "the budget to be gone", func() bool {
		response := p.open(p.key, cheapQuestion)
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK && response.Header.Get("x-parley-budget-remaining") == ""
	})
	p.terminate()
}

func TestBudgetHoldsUnderManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	p := configured(t, pricedModel)
	b := p.setBudget("total", 2_000_000)
	time.Sleep(200 * time.Millisecond)
	var asking sync.WaitGroup
	for range 64 {
		asking.Go(func() {
			for range 8 {
				p.ask(p.key, cheapQuestion)
			}
		})
	}
	asking.Wait()
	eventually(t, "the rows to be counted", func() bool { return p.budget(b.ID).Spent == p.ledgerSum() })
	if now := p.budget(b.ID); now.Spent > 2_000_000 || now.Spent < 1_500_000 {
		t.Errorf("%+v", now)
	}
	p.terminate()
}

func TestBudgetAddsUpAfterKills(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, file, pricedModel)
	launched := launch{arguments: []string{"--config", file}}
	p := start(t, launched)
	launched.data = p.data
	key := p.key
	b := p.setBudget("day", 1_000_000_000)
	for round := range 3 {
		var asking sync.WaitGroup
		for i := range 16 {
			asking.Go(func() {
				for n := range 1000 {
					path, body := "/v1/chat/completions", cheapQuestion
					if (i+n)%2 == 0 {
						path, body = "/v1/responses", `{"model":"simulated/x","max_output_tokens":8,"input":"Hello!"}`
					}
					response, err := p.try(path, key, body)
					if err != nil {
						return // the server is dead
					}
					_ = response.Body.Close()
				}
			})
		}
		time.Sleep(time.Duration(300+200*round) * time.Millisecond)
		p.kill()
		asking.Wait()
		p = start(t, launched)
		if now, sum := p.budget(b.ID), p.ledgerSum(); now.Spent != sum || now.Leased != 0 || sum == 0 {
			t.Errorf("round %d: %+v, and the rows come to %d", round, now, sum)
		}
	}
	p.terminate()
}
