package program

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// FreeAddress returns a loopback address that nobody listens on. Somebody else
// may take it before the program does that it is meant for.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close() //nolint:errcheck // it was never used
	return listener.Addr().String(), nil
}

const readyPoll = 10 * time.Millisecond

// AwaitReady returns when url answers with 200, and fails when the program ends
// or ctx does.
func (p *Process) AwaitReady(ctx context.Context, url string) error {
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return p.await(ctx, func(ctx context.Context) error { return answers(ctx, &client, url) })
}

// await returns when probe finds nothing wrong.
func (p *Process) await(ctx context.Context, probe func(context.Context) error) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for last := errors.New("it was not asked yet"); ; {
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended before it was ready: %w", p.name, errors.Join(p.failure, last))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", p.name, errors.Join(ctx.Err(), last))
		case <-tick.C:
			if last = probe(ctx); last == nil {
				return nil
			}
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	reply, err := client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close() //nolint:errcheck // nothing of it is read
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers with status %d", url, reply.StatusCode)
	}
	return nil
}
