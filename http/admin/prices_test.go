package admin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"example.com/parley/http/admin"
	"example.com/parley/messages"
)

// tariff plays the prices: m has one of each kind.
type tariff struct{}

func (tariff) Prices(context.Context) ([]messages.PriceVersion, error) {
	return []messages.PriceVersion{
		{Model: "m", From: time.Now().Add(time.Hour), Origin: messages.PriceOperator, Name: "planned"},
		{Model: "m", From: time.Unix(200, 0), Withdrawn: true, Origin: messages.PriceOperator, Name: "withdrawn"},
		{Model: "m", From: time.Unix(100, 0), Origin: messages.PriceOperator, Name: "past"},
		{Model: "m", Origin: messages.PriceTable, Name: "table", Price: messages.Price{Input: 1, Output: 2}, Long: &messages.LongPrice{Above: 9, Price: messages.Price{Input: 3, Output: 4}}},
		{Model: "n", Origin: messages.PriceTable, Name: "other"},
	}, nil
}

func (tariff) SetPrice(_ context.Context, v messages.PriceVersion) (messages.PriceVersion, error) {
	v.Origin, v.Name = messages.PriceOperator, "kept"
	return v, nil
}

func (tariff) WithdrawPrice(_ context.Context, model string, from time.Time) (messages.PriceVersion, error) {
	if model == "nobody" {
		return messages.PriceVersion{}, &messages.Failure{Code: messages.CodeItemAbsent, What: "absent"}
	}
	return messages.PriceVersion{Model: model, From: from, Withdrawn: true}, nil
}

func TestPricesAreListedSetAndWithdrawn(t *testing.T) {
	t.Parallel()
	url := serve(t, &office{})
	for _, tt := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "?model=m", "", 200, `"version":"table","in_force":true}]`},
		{"GET", "?model=m", "", 200, `"long":{"above":9,"input":3,"cached":0,"cache_write":0,"output":4}`},
		{"GET", "", "", 200, `"model":"n"`},
		{"PUT", "/acme/fast*", `{"input":5,"cached":1,"output":7,"source":"us","from":"2030-01-31"}`, 200, `{"object":"price","model":"acme/fast*","from":1896048000,"input":5,"cached":1,"cache_write":0,"output":7,"origin":"operator","source":"us","version":"kept"`},
		{"PUT", "/acme%2Ffast%2A", `{"input":5,"output":7}`, 200, `"model":"acme/fast*","from":null`},
		{"PUT", "/m", `{"input":5}`, 400, `"param":"input"`},
		{"PUT", "/m", `{"input":5,"output":7,"from":"soon"}`, 400, `"param":"from"`},
		{"PUT", "/m", `{"inputs":5}`, 400, `invalid_json`},
		{"DELETE", "/m", "", 200, `"from":null,"input":0,"cached":0,"cache_write":0,"output":0,"withdrawn":true`},
		{"DELETE", "/m?from=2030-01-31", "", 200, `"from":1896048000`},
		{"DELETE", "/nobody", "", 404, `item_not_found`},
	} {
		status, answer := call(t, tt.method, url+"/admin/prices"+tt.path, adminKey, tt.body)
		if status != tt.status || !strings.Contains(answer, tt.answer) {
			t.Errorf("%s %s: got %d %s, want %d with %s", tt.method, tt.path, status, answer, tt.status, tt.answer)
		}
	}
}

func TestOnePriceOfAnOriginIsInForce(t *testing.T) {
	t.Parallel()
	all, _ := tariff{}.Prices(t.Context())
	var now []string
	for _, p := range admin.ViewPrices(all, time.Now()) {
		if p.InForce {
			now = append(now, p.Version)
		}
	}
	if got := strings.Join(now, " "); got != "table other" {
		t.Errorf("in force are %s", got)
	}
	now = nil
	for _, p := range admin.ViewPrices(all, time.Unix(150, 0)) {
		if p.InForce {
			now = append(now, p.Version)
		}
	}
	if got := strings.Join(now, " "); got != "past table other" {
		t.Errorf("before the withdrawal there were %s", got)
	}
}
