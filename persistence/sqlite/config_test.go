package sqlite_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"example.com/parley/persistence/sqlite"
)

func TestConfigNamesTheKeyThatIsWrong(t *testing.T) {
	t.Parallel()
	if err := (sqlite.Config{Path: "x"}).Validate(); err != nil {
		t.Error(err)
	}
	_, err := sqlite.Open(t.Context(), sqlite.DefaultConfig(), prometheus.NewRegistry())
	if err == nil || !strings.Contains(err.Error(), "store.sqlite.path") {
		t.Errorf("got %v", err)
	}
}
