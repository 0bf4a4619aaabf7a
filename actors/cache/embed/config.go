package embed

import "fmt"

// Config is the section "cache.embed".
type Config struct {
	Kind Kind `koanf:"kind"` // static or hashed
}

// Kind names an embedder.
type Kind string

// The kinds.
const (
	KindStatic Kind = "static" // a table that the binary carries
	KindHashed Kind = "hashed" // n-grams, which know no meaning
)

// DefaultConfig is the table: it asks nobody, and waits for nobody.
func DefaultConfig() Config { return Config{Kind: KindStatic} }

// Validate reports every fault at once.
func (c Config) Validate() error {
	switch c.Kind {
	case KindStatic, KindHashed:
		return nil
	default:
		return fmt.Errorf("cache.embed.kind is %q: give static or hashed", c.Kind)
	}
}

// Open returns the embedder that a valid configuration asks for.
func Open(c Config) (Embedder, error) {
	if c.Kind == KindHashed {
		return Hashed{}, nil
	}
	return OpenStatic()
}
