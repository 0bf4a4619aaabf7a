package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client asks servers, one request at a time.
type client struct{ http *http.Client }

func newClient() *client {
	return &client{&http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// do sends a request, and returns its status with the whole answer.
func (c *client) do(ctx context.Context, n *node, method, path, body string) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+n.Address+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+n.Key)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// converse makes a conversation.
func (c *client) converse(ctx context.Context, n *node) (id string, err error) {
	status, answer, err := c.do(ctx, n, http.MethodPost, "/v1/conversations", "{}")
	var made struct{ ID string }
	if err == nil {
		err = json.Unmarshal(answer, &made)
	}
	if err != nil || made.ID == "" {
		return "", fmt.Errorf("make a conversation: %d %s: %w", status, answer, err)
	}
	return made.ID, nil
}

// say asks for a response in a conversation.
func (c *client) say(ctx context.Context, n *node, conversation, text string) (status int, answer []byte, err error) {
	return c.do(ctx, n, http.MethodPost, "/v1/responses",
		fmt.Sprintf(`{"model":"simulated/x","max_output_tokens":4,"conversation":%q,"input":%q}`, conversation, text))
}

// said is what the user said in a conversation, by one server's account.
func (c *client) said(ctx context.Context, n *node, conversation string) (texts []string, err error) {
	for after := ""; ; {
		status, answer, err := c.do(ctx, n, http.MethodGet, "/v1/conversations/"+conversation+"/items?order=asc&limit=100&after="+after, "")
		var page struct {
			Data []struct {
				Role    string
				Content []struct{ Text string }
			}
			HasMore bool   `json:"has_more"`
			LastID  string `json:"last_id"`
		}
		if err == nil {
			err = json.Unmarshal(answer, &page)
		}
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("read a conversation: %d %s: %w", status, answer, err)
		}
		for i := range page.Data {
			if item := &page.Data[i]; item.Role == "user" && len(item.Content) > 0 {
				texts = append(texts, item.Content[0].Text)
			}
		}
		if after = page.LastID; !page.HasMore {
			return texts, nil
		}
	}
}
