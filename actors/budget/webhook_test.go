package budget

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/messages"
)

func TestWebhookIsSignedAndNamesTheAlert(t *testing.T) {
	t.Parallel()
	heard := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write([]byte(r.Header.Get("x-parley-timestamp") + "." + string(body)))
		if want := "v1=" + hex.EncodeToString(mac.Sum(nil)); r.Header.Get("x-parley-signature") != want || r.Header.Get("x-parley-delivery") != "a1" ||
			!strings.Contains(string(body), `"threshold_percent":80`) {
			heard <- errors.New(string(body))
		}
		heard <- nil
	}))
	defer server.Close()
	alert := &messages.BudgetAlert{ID: "a1", Threshold: 80, Budget: messages.BudgetState{Budget: messages.Budget{Webhook: server.URL, Secret: "secret"}}}
	if err := errors.Join(NewWebhook(nil).Call(t.Context(), alert), <-heard); err != nil {
		t.Error(err)
	}
}

func TestWebhookGoesWhereItIsLetAndNoFurther(t *testing.T) {
	t.Parallel()
	called := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer server.Close()
	alert := &messages.BudgetAlert{Budget: messages.BudgetState{Budget: messages.Budget{Webhook: server.URL + "/hook?token=hidden"}}}
	if err := NewWebhook(nil).Call(t.Context(), alert); err == nil || called != 1 {
		t.Errorf("a redirection: %d calls, %v", called, err)
	}
	refuse := func(string, string, syscall.RawConn) error { return errors.New("not there") }
	if err := NewWebhook(refuse).Call(t.Context(), alert); err == nil || called != 1 || strings.Contains(err.Error(), "hidden") {
		t.Errorf("an address that is refused: %d calls, %v", called, err)
	}
}

// alertBook is one alert.
type alertBook struct {
	mu    sync.Mutex
	alert messages.BudgetAlert
	due   time.Time
}

func (b *alertBook) TakeAlerts(_ context.Context, now, until time.Time, _ int) ([]messages.BudgetAlert, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.due.IsZero() || b.due.After(now) {
		return nil, nil
	}
	b.due = until
	taken := b.alert
	b.alert.Tries++
	return []messages.BudgetAlert{taken}, nil
}

func (b *alertBook) PostponeAlert(_ context.Context, _ messages.BudgetAlert, due time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.due = due
	return nil
}

// deaf hears nothing the first times.
type deaf struct {
	times int
	calls []time.Time
}

func (d *deaf) Call(context.Context, *messages.BudgetAlert) error {
	d.calls = append(d.calls, time.Now())
	if len(d.calls) <= d.times {
		return errors.New("it was not heard")
	}
	return nil
}

func TestAlertIsToldAgainWithLongerAndLongerPausesUntilItIsHeard(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ deaf, calls int }{{0, 1}, {4, 5}, {99, DefaultConfig().MaxTries}} {
		synctest.Test(t, func(t *testing.T) {
			book := &alertBook{due: time.Now(), alert: messages.BudgetAlert{Budget: messages.BudgetState{Budget: messages.Budget{Webhook: "https://hook.example"}}}}
			hook := &deaf{times: tt.deaf}
			alerts := &Alerts{cfg: DefaultConfig(), book: book, caller: hook, metrics: newMetrics(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler)}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- alerts.Run(ctx) }()
			time.Sleep(48 * time.Hour)
			stop()
			if err := <-ended; err != nil || len(hook.calls) != tt.calls {
				t.Fatalf("%d calls, want %d; %v", len(hook.calls), tt.calls, err)
			}
			for i := 2; i < len(hook.calls); i++ {
				if hook.calls[i].Sub(hook.calls[i-1]) < hook.calls[i-1].Sub(hook.calls[i-2])-time.Second {
					t.Errorf("call %d came sooner than the one before it", i)
				}
			}
		})
	}
}
