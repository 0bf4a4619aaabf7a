package admin

import (
	"fmt"
	"net"
)

// Config is the section "admin".
type Config struct {
	Listen string `koanf:"listen"` // host:port; loopback unless an operator wants otherwise
	// OpenMetrics lets metrics and profiles be read without a key, also from
	// other machines. On loopback they always are.
	OpenMetrics bool `koanf:"open_metrics"`
}

// DefaultConfig is for whoever is on the machine.
func DefaultConfig() Config { return Config{Listen: "127.0.0.1:8081"} }

// Validate reports every fault at once.
func (c Config) Validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("admin.listen is %q: give host:port, such as 127.0.0.1:8081", c.Listen)
	}
	return nil
}
