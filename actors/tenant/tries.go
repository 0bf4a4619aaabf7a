package tenant

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"example.com/parley/messages"
)

// Tries counts wrong keys by the address that they came from, and tells when an
// address had too many. It is safe for concurrent use. As long as nobody errs it
// costs its readers one atomic load.
type Tries struct {
	most    int // within tryWindow
	wrong   prometheus.Counter
	counted atomic.Int64 // addresses in the table

	mu    sync.Mutex
	table tryTable
}

// tryWindow is the time over which tries are counted.
const tryWindow = time.Minute

// NewTries returns an empty table.
func NewTries(cfg Config, registerer prometheus.Registerer) *Tries {
	return &Tries{
		most: cfg.MaxTries, table: tryTable{},
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
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table.add(sourceOf(address), time.Now())
	t.counted.Store(int64(len(t.table)))
}

// Allowed fails with CodeTooManyTries when the address has had its tries, and
// says when there is another.
func (t *Tries) Allowed(address string) error {
	if t.counted.Load() == 0 {
		return nil
	}
	t.mu.Lock()
	wait := t.table.wait(sourceOf(address), t.most, time.Now())
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
type tryTable map[netip.Prefix]tries

// tries are those of one source. The window begins with the first of them.
type tries struct {
	count int
	since time.Time
}

// maxSources bounds the table, at some 100 bytes each. When it is full and no
// window is over, further sources go uncounted.
const maxSources = 1 << 14

func (t tryTable) add(source netip.Prefix, now time.Time) {
	s, known := t[source]
	if now.Sub(s.since) >= tryWindow {
		s = tries{since: now}
	}
	if !known && len(t) >= maxSources {
		if t.sweep(now); len(t) >= maxSources {
			return
		}
	}
	s.count++
	t[source] = s
}

// sweep drops the windows that are over.
func (t tryTable) sweep(now time.Time) {
	for source, s := range t {
		if now.Sub(s.since) >= tryWindow {
			delete(t, source)
		}
	}
}

// wait is how long a source must wait for another try; 0 for one that has some
// left.
func (t tryTable) wait(source netip.Prefix, most int, now time.Time) time.Duration {
	s := t[source]
	if s.count < most {
		return 0
	}
	return max(0, tryWindow-now.Sub(s.since))
}
