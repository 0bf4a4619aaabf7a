package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"example.com/parley/messages"
)

// remote asks a running server. Through its admin listener it implements
// administration.
type remote struct {
	address  string // host:port
	listener string // what should be there
	key      string
	client   *http.Client
}

func newRemote(address, key string) *remote {
	return &remote{address: address, listener: "its admin listener", key: key, client: &http.Client{
		Transport: &http.Transport{}, // no proxy of the environment: the server is this machine, or named on purpose
		Timeout:   commandTimeout,
	}}
}

func (r *remote) close() { r.client.CloseIdleConnections() }

// UsageReport implements administration.
func (r *remote) UsageReport(ctx context.Context, q messages.UsageQuery) (messages.UsageReport, error) {
	query := url.Values{
		"tenant": {string(q.Tenant)}, "from": {q.From.UTC().Format(time.RFC3339)}, "to": {q.To.UTC().Format(time.RFC3339)},
		"group_by": {joinGroups(q.By)}, "limit": {strconv.Itoa(q.Limit)}, "page": {strconv.Itoa(q.Skip)},
	}
	var list usageListJSON
	err := r.do(ctx, http.MethodGet, "/admin/usage?"+query.Encode(), nil, &list)
	return messages.UsageReport{Lines: mapped(list.Data, usageJSON.total), More: list.HasMore, Sum: list.Summary.total()}, err
}

// SetBudget implements administration.
func (r *remote) SetBudget(ctx context.Context, wanted messages.Budget) (set messages.BudgetState, created bool, err error) {
	var made budgetJSON
	err = r.do(ctx, http.MethodPut, "/admin/budgets", map[string]any{
		"tenant": wanted.Tenant, "key": wanted.Key, "period": wanted.Period, "limit_nano_dollars": wanted.Limit, "hard": wanted.Hard,
		"thresholds": wanted.Thresholds, "webhook": wanted.Webhook, "webhook_secret": wanted.Secret,
	}, &made)
	return made.state(), false, err
}

// DeleteBudget implements administration.
func (r *remote) DeleteBudget(ctx context.Context, id messages.BudgetID) error {
	return r.do(ctx, http.MethodDelete, "/admin/budgets/"+url.PathEscape(string(id)), nil, nil)
}

// BudgetStates implements administration.
func (r *remote) BudgetStates(ctx context.Context, of messages.TenantID) ([]messages.BudgetState, error) {
	var list listJSON[budgetJSON]
	err := r.do(ctx, http.MethodGet, "/admin/budgets?"+url.Values{"tenant": {string(of)}}.Encode(), nil, &list)
	return mapped(list.Data, budgetJSON.state), err
}

// do sends a request, and reads its answer into reply unless that is nil.
func (r *remote) do(ctx context.Context, method, path string, body, reply any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+r.address+path, bytes.NewReader(content))
	if err != nil {
		return &messages.Failure{
			Code: messages.CodeInvalidRequest, What: fmt.Sprintf("%q is no address of a server", r.address),
			Do: "give host:port, such as 127.0.0.1:8081", Cause: err,
		}
	}
	request.Header.Set("Authorization", "Bearer "+r.key)
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return r.unreachable(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read to its end
	const longest = 16 << 20    // bytes; a report of many tenants is some hundred kilobytes
	answer, err := io.ReadAll(io.LimitReader(response.Body, longest))
	if err != nil {
		return r.unreachable(err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return refusal(response.StatusCode, answer)
	}
	if reply == nil {
		return nil
	}
	if err := json.Unmarshal(answer, reply); err != nil {
		return fmt.Errorf("read what the server at %s says: %w", r.address, err)
	}
	return nil
}

func (r *remote) unreachable(err error) error {
	if unwrapped, ok := errors.AsType[*url.Error](err); ok {
		err = unwrapped.Err // the rest repeats the address
	}
	return &messages.Failure{
		Code: messages.CodeOverloaded, What: fmt.Sprintf("the server at %s does not answer", r.address),
		Do: "is it running, and is this " + r.listener + "?", Cause: err,
	}
}

// refusal is what the server said against a request.
func refusal(status int, answer []byte) error {
	var shown struct {
		Error struct {
			Message string        `json:"message"`
			Param   string        `json:"param"`
			Code    messages.Code `json:"code"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &shown); err != nil || shown.Error.Message == "" {
		return &messages.Failure{
			Code: messages.CodeInternal, What: fmt.Sprintf("the server answered with status %d", status),
			Do: "is this the admin listener of a parley server?",
		}
	}
	return &messages.Failure{Code: shown.Error.Code, What: shown.Error.Message, Param: shown.Error.Param}
}
