package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
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
func (p *process) setBudget(period string, limit int64, more ...string) (b budgetOf) {
	p.t.Helper()
	answer := p.operate("PUT", "/admin/budgets", fmt.Sprintf(`{"tenant":%q,"period":%q,"limit_nano_dollars":%d%s}`, p.tenantID(), period, limit, strings.Join(more, "")))
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
	var refused reply
	eventually(t, "the budget to be spent", func() bool { // what is not counted yet is reserved for a moment
		refused = p.ask(p.key, cheapQuestion)
		return refused.status != http.StatusOK && !strings.Contains(refused.body, "reserved")
	})
	told := p.open(p.key, cheapQuestion)
	_ = told.Body.Close()
	if refused.status != http.StatusTooManyRequests || !strings.Contains(refused.body, `"code":"budget_exceeded"`) ||
		!strings.Contains(refused.body, `"type":"insufficient_quota"`) || !strings.Contains(refused.body, "it begins anew at ") ||
		told.Header.Get("x-should-retry") != "false" {
		t.Fatalf("got %d %s %v", refused.status, refused.body, told.Header)
	}
	const reservation = 150_000 // nano-dollars, a bit more than a request's
	eventually(t, "the rows to be counted", func() bool { return p.budget(b.ID).Spent == p.ledgerSum() })
	if now := p.budget(b.ID); now.Spent > 1_000_000 || now.Left > reservation {
		t.Errorf("%+v", now)
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

func TestWebhookIsToldOnceOfAThreshold(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 64)
	var refused sync.Once
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("a secret of the test"))
		mac.Write([]byte(r.Header.Get("x-parley-timestamp") + "." + string(body)))
		if "v1="+hex.EncodeToString(mac.Sum(nil)) != r.Header.Get("x-parley-signature") {
			t.Errorf("signed with %s", r.Header.Get("x-parley-signature"))
		}
		refused.Do(func() { w.WriteHeader(http.StatusServiceUnavailable) }) // it is told again
		calls <- r.Header.Get("x-parley-delivery")
	}))
	defer hook.Close()
	file := filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, file, pricedModel+"providers_admin: { allow_local: true }\n")
	launched := launch{arguments: []string{"--config", file}}
	p := start(t, launched)
	launched.data = p.data
	b := p.setBudget("day", 10_000, fmt.Sprintf(`,"hard":false,"thresholds":[50,100],"webhook":%q,"webhook_secret":"a secret of the test"`, hook.URL))
	key := p.key
	for range 10 {
		if answer := p.ask(key, cheapQuestion); answer.status != http.StatusOK {
			t.Fatalf("a soft budget refuses: %d %s", answer.status, answer.body)
		}
	}
	told := map[string]int{}
	for range 3 { // one of the two is told twice
		select {
		case id := <-calls:
			told[id]++
		case <-time.After(patience):
			t.Fatalf("told of %v\n%s", told, p.log)
		}
	}
	if len(told) != 2 {
		t.Errorf("told of %v", told)
	}
	p.terminate()
	p = start(t, launched)
	p.ask(key, cheapQuestion)
	eventually(t, "the row to be counted", func() bool { return p.budget(b.ID).Spent == p.ledgerSum() })
	time.Sleep(500 * time.Millisecond) // in which an alert that came back would be told
	if len(calls) != 0 {
		t.Errorf("after a restart: told of %s again", <-calls)
	}
	p.terminate()
}

func TestWebhookIsNotCalledWhereOnlyThisMachineReaches(t *testing.T) {
	t.Parallel()
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it is called") }))
	defer hook.Close()
	p := configured(t, pricedModel)
	p.setBudget("day", 10_000, fmt.Sprintf(`,"hard":false,"thresholds":[50],"webhook":%q`, hook.URL))
	p.ask(p.key, cheapQuestion)
	eventually(t, "the call to be refused", func() bool { return webhookFailed.MatchString(p.metrics()) })
	p.terminate()
}

func TestServersShareABudgetOnPostgreSQL(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "url"), database(t)+"\n")
	writeFile(t, filepath.Join(folder, "parley.yaml"), strings.Replace(pricedModel, "lease: 5s", "lease: 2m", 1)) // longer than a server takes to come back
	launched := launch{arguments: []string{"--config", filepath.Join(folder, "parley.yaml")}, env: []string{"PARLEY_STORE_POSTGRES_URL_FILE=" + filepath.Join(folder, "url")}}
	one := start(t, launched)
	key := one.key
	const limit = 3_000_000
	b := one.setBudget("month", limit)
	two := start(t, launched)
	var asking sync.WaitGroup
	for i := range 24 {
		asking.Go(func() {
			for range 20 {
				p := []*process{one, two}[i%2]
				if response, err := p.try("/v1/chat/completions", key, cheapQuestion); err == nil {
					_ = response.Body.Close()
				}
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	two.kill() // in the middle
	asking.Wait()
	again := launched
	again.data = two.data
	two = start(t, again) // brings its rows, and lets go of its leases
	for _, p := range []*process{one, two} {
		for range 300 {
			if p.ask(key, cheapQuestion).status != http.StatusOK {
				break
			}
		}
	}
	eventually(t, "the rows to be counted", func() bool { return one.budget(b.ID).Spent == one.ledgerSum() })
	const reservation = 150_000
	if now := one.budget(b.ID); now.Spent > limit || now.Spent < limit-2*reservation {
		t.Errorf("%+v", now)
	}
	one.terminate()
	two.terminate()
}

func TestBudgetCommands(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	run := func(arguments ...string) string {
		t.Helper()
		out, err := runBinary(t, nil, append(arguments, "--data", data)...)
		if err != nil {
			t.Fatalf("%v: %v", arguments, err)
		}
		return out
	}
	run("tenant", "create", "research")
	if out := run("budget", "set", "--period", "day", "--limit", "2.50", "--thresholds", "80,100"); !strings.Contains(out, "hard") || !strings.Contains(out, "$2.50") {
		t.Errorf("set:\n%s", out)
	}
	list := run("budget", "list", "--tenant", "research")
	id := budgetID.FindString(list)
	if id == "" || !strings.Contains(list, "SPENT") || !strings.Contains(list, "$0.00") || !strings.Contains(list, "day 20") {
		t.Errorf("list:\n%s", list)
	}
	if _, err := runBinary(t, nil, "budget", "set", "--limit", "1e99", "--data", data); err == nil {
		t.Error("a limit that no amount is was taken")
	}
	run("budget", "remove", id)
	if list := run("budget", "list"); strings.Contains(list, id) {
		t.Errorf("after it was removed:\n%s", list)
	}
}

var webhookFailed = regexp.MustCompile(`chatbot_budget_webhooks_total{result="failed"} [1-9]`)

var budgetID = regexp.MustCompile(`bud_[a-z0-9]+`)
