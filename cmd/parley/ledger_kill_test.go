package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/bench/upstream/fake"
	"example.com/parley/messages"
)

// What the tokens of these tests cost, in pico-dollars each: numbers of which few
// sums are whole nano-dollars.
const (
	killedInput  = 1_500_001
	killedOutput = 2_700_003
)

// killings is how often the server is killed: PARLEY_TEST_LEDGER_KILLS=100 for the
// long run.
func killings(t *testing.T) int {
	t.Helper()
	text := os.Getenv("PARLEY_TEST_LEDGER_KILLS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("PARLEY_TEST_LEDGER_KILLS: %v", err)
	}
	return n
}

// A server that is killed again and again owes nobody a row: each request whose end
// reached a client has one, as the client was told; each that was cut off has one,
// from its reservation; and none has two.
func TestLedgerEqualsTheRequestsOverKills(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		testLedgerOverKills(t, nil, func(data string) totals { return sqliteTotals(t, filepath.Join(data, "parley.db")) })
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		at := database(t)
		testLedgerOverKills(t, []string{"PARLEY_STORE_POSTGRES_URL=" + at}, func(string) totals { return postgresTotals(t, at) })
	})
}

func testLedgerOverKills(t *testing.T, env []string, sum func(data string) totals) {
	t.Helper()
	seed := mathrand.Uint64()
	t.Logf("seed %d", seed)
	random := mathrand.New(mathrand.NewPCG(seed, 0)) // #nosec G404 -- moments to kill at
	upstream := fake.ForTest(t, fake.Config{})
	file := filepath.Join(t.TempDir(), "parley.yaml")
	writeFile(t, file, fmt.Sprintf("providers:\n  up: {base_url: %q, api_key: k}\nmodels:\n  fast: [{target: up/m-fake-tokens-6-interval-3ms}]\n"+
		"prices:\n  \"up/*\": {input: %d, output: %d}\n", upstream.URL(), killedInput, killedOutput))
	launched := launch{arguments: []string{"--config", file}, env: env}
	p := start(t, launched)
	launched.data = p.data
	c := &crowd{key: p.key, told: make(map[messages.TurnID]messages.Usage), cut: make(map[messages.TurnID]bool)}
	c.at.Store(&p.url)
	c.begin()
	for range killings(t) {
		time.Sleep(300*time.Millisecond + time.Duration(random.Int64N(int64(700*time.Millisecond)))) // a real process has no bubble
		p.kill()
		p = start(t, launched)
		c.at.Store(&p.url)
	}
	c.end()
	p.terminate() // the ledger's queue goes to the store
	c.compare(t, sum(p.data), upstream.Calls().Calls, rowsOf(t, p.data, env))
}

// crowd asks all the time, each way in which rows come about by turns.
type crowd struct {
	key  string
	at   atomic.Pointer[string]
	stop context.CancelFunc
	done sync.WaitGroup

	mu   sync.Mutex
	sent int
	told map[messages.TurnID]messages.Usage // by requests whose end was heard: what they used
	cut  map[messages.TurnID]bool           // heard of, and then cut off; true where a model had spoken
}

// askers is how many ask at once.
const askers = 8

func (c *crowd) begin() {
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	client := &http.Client{Timeout: 10 * time.Second}
	for asker := range askers {
		c.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := c.ask(context.WithoutCancel(ctx), client, n%len(manners), fmt.Sprintf("question %d of %d", n, asker)); err != nil {
					time.Sleep(20 * time.Millisecond) // nobody is there
				}
			}
			client.CloseIdleConnections()
		})
	}
}

func (c *crowd) end() {
	c.stop()
	c.done.Wait()
}

// manners are the ways to ask: kept and not, streamed and in one piece.
var manners = [...]struct {
	path, body string
	streamed   bool
}{
	{"/v1/chat/completions", `{"model":"fast","messages":[{"role":"user","content":%q}]}`, false},
	{"/v1/chat/completions", `{"model":"fast","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":%q}]}`, true},
	{"/v1/responses", `{"model":"fast","input":%q}`, false},
	{"/v1/responses", `{"model":"fast","stream":true,"input":%q}`, true},
}

// ask sends one request, and writes down what was heard of it. The server is
// never told twice to do the same.
func (c *crowd) ask(ctx context.Context, client *http.Client, how int, question string) error {
	m := manners[how]
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, *c.at.Load()+m.path, strings.NewReader(fmt.Sprintf(m.body, question)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	c.mu.Lock()
	c.sent++
	c.mu.Unlock()
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was read as far as it goes
	body, err := io.ReadAll(response.Body)
	id, named := messages.ParseTurnID(response.Header.Get("x-request-id"))
	if !named || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%d %w", response.StatusCode, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if usage, whole := lastUsage(body, m.streamed); whole && err == nil {
		c.told[id] = usage
	} else {
		c.cut[id] = bytes.Contains(body, []byte("data: "))
	}
	return err
}

// lastUsage is what a whole reply says that it used.
func lastUsage(body []byte, streamed bool) (usage messages.Usage, whole bool) {
	if streamed {
		if !bytes.Contains(body, []byte("data: [DONE]")) && !bytes.Contains(body, []byte("event: response.completed")) {
			return usage, false
		}
		at := bytes.LastIndex(body, []byte(`"usage":{`))
		if at < 0 {
			return usage, false
		}
		body = append([]byte("{"), body[at:]...)
	}
	var said struct {
		Usage struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
			Input      int `json:"input_tokens"`
			Output     int `json:"output_tokens"`
		} `json:"usage"`
	}
	if streamed { // the rest of the event, and what follows, is no part of it
		object := body[len(`{"usage":`):]
		err := json.NewDecoder(bytes.NewReader(object)).Decode(&said.Usage)
		whole = err == nil
	} else {
		whole = json.Unmarshal(body, &said) == nil
	}
	return messages.Usage{Input: said.Usage.Prompt + said.Usage.Input, Output: said.Usage.Completion + said.Usage.Output}, whole
}

// totals are what the database itself says of the ledger.
type totals struct{ rows, requests, cost, recomputed, interrupted int64 }

// totalsText adds every row up, beside what its tokens come to by the price.
var totalsText = fmt.Sprintf(`SELECT count(*), count(DISTINCT request), CAST(coalesce(sum(cost), 0) AS BIGINT),
	CAST(coalesce(sum(CASE WHEN status = 'failed' THEN 0 ELSE (input * %d + output * %d + 999) / 1000 END), 0) AS BIGINT),
	CAST(coalesce(sum(CASE WHEN status = 'interrupted' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM usage_rows`, killedInput, killedOutput)

func sqliteTotals(t *testing.T, path string) (s totals) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // only read
	if err := db.QueryRowContext(t.Context(), totalsText).Scan(&s.rows, &s.requests, &s.cost, &s.recomputed, &s.interrupted); err != nil {
		t.Fatal(err)
	}
	return s
}

func postgresTotals(t *testing.T, at string) (s totals) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // only read
	err = pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "SELECT set_config('parley.scope', 'operator', true)"); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), totalsText).Scan(&s.rows, &s.requests, &s.cost, &s.recomputed, &s.interrupted)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rowsOf reads the rows of one request from the store of a server that has stopped.
func rowsOf(t *testing.T, data string, env []string) func(messages.TurnID) []messages.UsageRow {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Data = data
	cfg.Store.Postgres.URL = variable(env, "PARLEY_STORE_POSTGRES_URL")
	cfg.complete()
	s, err := openStore(t.Context(), cfg.Store, "", prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	reader, ok := s.(interface {
		UsageRows(ctx context.Context, tenant messages.TenantID, request messages.TurnID) ([]messages.UsageRow, error)
	})
	if !ok {
		t.Fatalf("%T tells nobody of a request's rows", s)
	}
	return func(id messages.TurnID) []messages.UsageRow {
		rows, err := reader.UsageRows(t.Context(), firstTenant, id)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
}

// firstTenant is the one that the first start makes.
const firstTenant = messages.TenantID("tenant_first")

// compare holds the ledger against what clients heard, and what the provider was
// asked.
func (c *crowd) compare(t *testing.T, s totals, calls int64, rows func(messages.TurnID) []messages.UsageRow) {
	t.Helper()
	t.Logf("%d sent, %d told of their end, %d cut off, %d calls upstream; %d rows, %d of them interrupted, %d nano-dollars",
		c.sent, len(c.told), len(c.cut), calls, s.rows, s.interrupted, s.cost)
	if len(c.told) == 0 || s.rows == 0 {
		t.Fatal("nothing was answered")
	}
	if s.rows != s.requests {
		t.Errorf("%d rows of %d requests, which made one attempt each", s.rows, s.requests)
	}
	if s.cost != s.recomputed {
		t.Errorf("the rows cost %d nano-dollars, their tokens %d", s.cost, s.recomputed)
	}
	if s.rows < calls || s.rows < int64(len(c.told)) || s.rows > int64(c.sent) {
		t.Errorf("%d rows of %d requests, %d of them told of their end, that made %d calls", s.rows, c.sent, len(c.told), calls)
	}
	for id, usage := range c.told {
		found := rows(id)
		if len(found) != 1 || found[0].Status != messages.AttemptSettled || found[0].Usage.Input != usage.Input || found[0].Usage.Output != usage.Output ||
			!strings.HasPrefix(found[0].Price, "configuration:up/*=") {
			t.Fatalf("of %s a client was told %+v, the ledger has %+v", id, usage, found)
		}
	}
	for id, spoke := range c.cut {
		if found := rows(id); len(found) > 1 || spoke && len(found) == 0 {
			t.Fatalf("%s was cut off (a model had spoken: %v), the ledger has %+v", id, spoke, found)
		}
	}
}
