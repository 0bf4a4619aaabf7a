package tenant

import (
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// Tries counts wrong keys by the address that they came from, and tells when an
// address had too many. It is safe for concurrent use. While nobody errs, its
// readers take no lock.
type Tries struct {
	most  int // within tryWindow
	wrong prometheus.Counter
	last  atomic.Pointer[time.Time] // of all wrong keys; nil for none

	mu    sync.Mutex
	table tryTable
}

// tryWindow is the time over which tries are counted.
const tryWindow = time.Minute

// NewTries returns an empty table.
func NewTries(cfg Config, registerer prometheus.Registerer) *Tries {
	return &Tries{
		most: cfg.MaxTries, table: tryTable{sources: make(map[netip.Prefix]tries)},
		wrong: promauto.With(registerer).NewCounter(prometheus.CounterOpts{
			Name: "chatbot_wrong_keys_total", Help: "Requests with a key that is not valid.",
		}),
	}
}

// Failed counts a wrong key from an address.
func (t *Tries) Failed(address string) {
	t.wrong.Inc()
	if t.most == 0 {
		return
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table.add(sourceOf(address), now)
	t.last.Store(&now)
}

// Allowed fails with CodeTooManyTries when the address has had its tries, and
// says when there is another.
func (t *Tries) Allowed(address string) error {
	last, now := t.last.Load(), time.Now()
	if last == nil || now.Sub(*last) >= tryWindow {
		return nil
	}
	t.mu.Lock()
	wait := t.table.wait(sourceOf(address), t.most, now)
	t.mu.Unlock()
	if wait == 0 {
		return nil
	}
	return &messages.Failure{
		Code: messages.CodeTooManyTries, What: "too many wrong keys came from this address",
		Do: "check the key, and try again later", RetryAfter: wait,
	}
}

// sourceOf is what counts as one address: of IPv6 the network of a household,
// whose members choose the rest as they like.
func sourceOf(address string) netip.Prefix {
	const household = 64
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{} // all that cannot be read count as one
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		prefix, _ := ip.Prefix(household) // 64 bits are in every IPv6 address
		return prefix
	}
	return netip.PrefixFrom(ip, ip.BitLen())
}

// tryTable holds the tries of each source within its window.
type tryTable struct {
	sources map[netip.Prefix]tries
	swept   time.Time
}

// tries are those of one source. The window begins with the first of them.
type tries struct {
	count int
	since time.Time
}

// maxSources bounds the table, at some 100 bytes each. While it is full, further
// sources go uncounted: whoever has so many addresses is not to be stopped here.
const maxSources = 1 << 14

func (t *tryTable) add(source netip.Prefix, now time.Time) {
	s, known := t.sources[source]
	if !known && len(t.sources) >= maxSources && !t.sweep(now) {
		return
	}
	if now.Sub(s.since) >= tryWindow {
		s = tries{since: now}
	}
	s.count++
	t.sources[source] = s
}

// sweep drops the windows that are over, and tells whether there is room now. It
// looks at the whole table, so it does that seldom.
func (t *tryTable) sweep(now time.Time) bool {
	const seldom = 5 * time.Second
	if now.Sub(t.swept) < seldom {
		return false
	}
	t.swept = now
	maps.DeleteFunc(t.sources, func(_ netip.Prefix, s tries) bool { return now.Sub(s.since) >= tryWindow })
	return len(t.sources) < maxSources
}

// wait is how long a source must wait for another try; 0 for one that has some
// left.
func (t *tryTable) wait(source netip.Prefix, most int, now time.Time) time.Duration {
	s := t.sources[source]
	if s.count < most {
		return 0
	}
	return max(0, tryWindow-now.Sub(s.since))
}
