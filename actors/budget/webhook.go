package budget

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"example.com/parley/messages"
)

// The headers of a call. The signature is "v1=" and the hexadecimal HMAC-SHA256,
// with the budget's secret, of the timestamp, a dot and the body.
const (
	headerTimestamp = "x-parley-timestamp" // of the call, in seconds since 1970
	headerSignature = "x-parley-signature"
	headerDelivery  = "x-parley-delivery" // the same in every try
)

// Webhook calls webhooks. It follows no redirection, and uses no proxy. It is safe
// for concurrent use.
type Webhook struct{ client *http.Client }

// NewWebhook returns a caller that connects where control lets it; nil lets it
// connect anywhere.
func NewWebhook(control func(network, address string, c syscall.RawConn) error) *Webhook {
	dialer := &net.Dialer{Timeout: callPatience, Control: control}
	return &Webhook{client: &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, TLSHandshakeTimeout: callPatience},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// alertBody is what a webhook is sent.
type alertBody struct {
	ID        string                `json:"id"`
	Object    string                `json:"object"` // "budget.alert"
	Budget    messages.BudgetID     `json:"budget"`
	Tenant    messages.TenantID     `json:"tenant"`
	Key       messages.KeyID        `json:"key,omitempty"`
	Period    messages.BudgetPeriod `json:"period"`
	PeriodKey messages.PeriodKey    `json:"period_key"` // 20260131, 202601 or 0
	Threshold int                   `json:"threshold_percent"`
	Limit     messages.NanoDollars  `json:"limit_nano_dollars"`
	Spent     messages.NanoDollars  `json:"spent_nano_dollars"` // when it was noticed
	Hard      bool                  `json:"hard"`
	Reached   int64                 `json:"reached"` // seconds since 1970
}

// Call tells a webhook of an alert. Any answer of 2xx says that it was heard.
func (w *Webhook) Call(ctx context.Context, a *messages.BudgetAlert) error {
	b := &a.Budget
	body, err := json.Marshal(alertBody{
		ID: a.ID, Object: "budget.alert", Budget: b.ID, Tenant: b.Tenant, Key: b.Key, Period: b.Period, PeriodKey: b.PeriodKey,
		Threshold: a.Threshold, Limit: b.Limit, Spent: b.Spent, Hard: b.Hard, Reached: a.Reached.Unix(),
	})
	if err != nil {
		return fmt.Errorf("write an alert: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.Webhook, bytes.NewReader(body))
	if err != nil {
		return errors.New("call a webhook: its address cannot be read") // which may have a secret in it
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "parley")
	request.Header.Set(headerTimestamp, timestamp)
	request.Header.Set(headerSignature, sign(b.Secret, timestamp, body))
	request.Header.Set(headerDelivery, a.ID)
	response, err := w.client.Do(request)
	if err != nil {
		return fmt.Errorf("call a webhook: %w", withoutAddress(err))
	}
	defer response.Body.Close() //nolint:errcheck // only read
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("call a webhook: it answered with status %d", response.StatusCode)
	}
	return nil
}

// sign is the signature of a body.
func sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// withoutAddress leaves out the address, which may have a secret in it.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
