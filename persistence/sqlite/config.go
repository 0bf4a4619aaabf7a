package sqlite

import "errors"

// Config is the section "store.sqlite".
type Config struct {
	Path string `koanf:"path"` // of the database; its folder also holds the lock that keeps a second server out
}

// DefaultConfig leaves the path to the data folder's owner.
func DefaultConfig() Config { return Config{} }

// Validate reports every fault at once.
func (c Config) Validate() error {
	if c.Path == "" {
		return errors.New("store.sqlite.path is empty: name a file, such as data/parley.db")
	}
	return nil
}
