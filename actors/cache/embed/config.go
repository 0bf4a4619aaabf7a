package embed

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is the section "cache.embed".
type Config struct {
	Kind      Kind          `koanf:"kind"`                  // static (a table that the binary carries), hashed (n-grams, without weights) or openai (a server with OpenAI's /v1/embeddings)
	BaseURL   string        `koanf:"base_url"`              // of openai, with its /v1
	APIKey    string        `koanf:"api_key" secret:"true"` // of openai; none is sent where none is given
	Model     string        `koanf:"model"`                 // of openai
	Cosine    float64       `koanf:"cosine"`                // of openai: the cosine of its vectors that a threshold of 0.85 stands for
	BatchSize int           `koanf:"batch_size"`            // of openai: most texts that one call carries
	BatchWait time.Duration `koanf:"batch_wait"`            // of openai: how long the first text of a batch waits for others
	Calls     int           `koanf:"calls"`                 // of openai: calls at once
	Timeout   time.Duration `koanf:"timeout"`               // of openai: for a text, its waiting included; a question that takes longer is a miss
}

// Kind names an embedder.
type Kind string

// The kinds.
const (
	KindStatic Kind = "static"
	KindHashed Kind = "hashed"
	KindOpenAI Kind = "openai"
)

// DefaultConfig is the table: it asks nobody, and waits for nobody.
func DefaultConfig() Config {
	return Config{
		Kind: KindStatic, Cosine: 0.75, BatchSize: 32, BatchWait: 2 * time.Millisecond, Calls: 4, Timeout: 250 * time.Millisecond,
	}
}

// The bounds of what Validate allows.
const (
	mostTexts   = 2048
	mostCalls   = 256
	longestWait = time.Minute
)

// Validate reports every fault at once, each by the key that the operator wrote.
func (c Config) Validate() error {
	var faults []error
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("cache.embed."+format, args...))
		}
	}
	fault(c.Kind == KindStatic || c.Kind == KindHashed || c.Kind == KindOpenAI, "kind is %q: give static, hashed or openai", c.Kind)
	fault(c.Cosine > 0 && c.Cosine < 1, "cosine is %v: give a number between 0 and 1, such as 0.75", c.Cosine)
	fault(c.BatchSize >= 1 && c.BatchSize <= mostTexts, "batch_size is %d: give from 1 to %d", c.BatchSize, mostTexts)
	fault(c.BatchWait >= 0 && c.BatchWait <= time.Second, "batch_wait is %s: give up to 1s, such as 2ms", c.BatchWait)
	fault(c.Calls >= 1 && c.Calls <= mostCalls, "calls is %d: give from 1 to %d", c.Calls, mostCalls)
	fault(c.Timeout >= time.Millisecond && c.Timeout <= longestWait, "timeout is %s: give from 1ms to %s, such as 250ms", c.Timeout, longestWait)
	if c.Kind == KindOpenAI {
		base, err := url.Parse(c.BaseURL)
		fault(err == nil && (base.Scheme == "http" || base.Scheme == "https") && base.Host != "", "base_url is %q: give the server's address with its /v1, such as http://127.0.0.1:8000/v1", c.BaseURL)
		fault(c.Model != "", "model is empty: name the embedder's model")
	}
	return errors.Join(faults...)
}

// Open returns the embedder that a valid configuration asks for, and what has to
// run while it is used; nil where nothing has.
func Open(c Config, registerer prometheus.Registerer) (Embedder, *Remote, error) {
	switch c.Kind {
	case KindHashed:
		return Hashed{}, nil, nil
	case KindOpenAI:
		r := NewRemote(c, registerer)
		return r, r, nil
	default:
		s, err := OpenStatic()
		return s, nil, err
	}
}
