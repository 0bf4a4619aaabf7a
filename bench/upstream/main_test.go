package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A person sees where to point a client, and the server is there.
func TestRunServesUntilItIsTold(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log, told := io.Pipe()
	ended := make(chan error, 1)
	go func() { // stop ends it
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-behave", "tokens-2", "-models", "one,two"}, told)
	}()
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	openAI, anthropic, ok := strings.Cut(strings.TrimSpace(line), " ")
	if !ok || !strings.HasPrefix(anthropic, "ANTHROPIC_BASE_URL=http://127.0.0.1:") {
		t.Errorf("told %q", line)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimPrefix(openAI, "OPENAI_BASE_URL=")+"/models", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(body), `"id":"two"`) {
		t.Errorf("%v: %s", err, body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestRunRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-listen", "nowhere"},
		{"-behave", "tokens-many"},
		{"-colour"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
	if err := run(t.Context(), []string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h gave %v", err)
	}
}
