package messages_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.com/parley/messages"
)

func TestFailureSaysItsCauseToTheLogAlone(t *testing.T) {
	t.Parallel()
	plain := &messages.Failure{Code: messages.CodeInvalidRequest, What: "n is out of range"}
	if got := plain.Error(); got != "invalid_request: n is out of range" {
		t.Errorf("got %s", got)
	}
	caused := &messages.Failure{Code: messages.CodeProviderFailed, What: "it broke", Cause: context.Canceled}
	if !strings.HasSuffix(caused.Error(), ": context canceled") || !errors.Is(caused, context.Canceled) {
		t.Errorf("got %s", caused)
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	failure := &messages.Failure{Code: messages.CodeOverloaded}
	for name, tt := range map[string]struct {
		err  error
		want messages.Code
	}{
		"no error":          {nil, ""},
		"a failure":         {failure, messages.CodeOverloaded},
		"a wrapped failure": {fmt.Errorf("start turn: %w", failure), messages.CodeOverloaded},
		"anything else":     {errors.New("boom"), messages.CodeInternal},
	} {
		if got := messages.CodeOf(tt.err); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestAsFailureHidesWhatIsNone(t *testing.T) {
	t.Parallel()
	failure := &messages.Failure{Code: messages.CodeOverloaded, What: "full"}
	if got := messages.AsFailure(fmt.Errorf("start: %w", failure)); got != failure {
		t.Errorf("got %v", got)
	}
	secret := errors.New("password is hunter2")
	hidden := messages.AsFailure(secret)
	if hidden.Code != messages.CodeInternal || strings.Contains(hidden.What+hidden.Do, "hunter2") || !errors.Is(hidden, secret) {
		t.Errorf("got %+v", hidden)
	}
}
