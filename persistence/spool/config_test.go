package spool_test

import (
	"strings"
	"testing"
	"time"

	"example.com/parley/persistence/spool"
)

func TestConfigNamesTheKeyThatIsWrong(t *testing.T) {
	t.Parallel()
	if err := spool.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	for key, change := range map[string]func(*spool.Config){
		"ledger.max_bytes":     func(c *spool.Config) { c.MaxBytes = 1 },
		"ledger.sync_interval": func(c *spool.Config) { c.SyncInterval = time.Hour },
	} {
		c := spool.DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}
