package redis

import (
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ioTimeout is how long anything but a lookup may take.
const ioTimeout = 3 * time.Second

// newClient connects to nothing yet: a server starts without Redis, too.
func newClient(cfg Config, poolSize, minIdle int) (*redis.Client, error) {
	options, err := redis.ParseURL(cfg.URL)
	if err != nil {
		return nil, errors.New("redis.url cannot be read") // what is in it stays in it
	}
	options.PoolSize, options.MinIdleConns = poolSize, minIdle
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = ioTimeout, ioTimeout, ioTimeout
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1 // a lookup has no time for that, and writes are tried again where they have to be
	options.DialerRetries = 1
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	quiet()
	return redis.NewClient(options), nil
}

// quiet ends what the library writes to the standard error by itself, for the whole
// process: each failure reaches this package as an error too.
var quiet = sync.OnceFunc(logging.Disable)
