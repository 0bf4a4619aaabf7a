package redis

import (
	"context"
	"crypto/rand"
	_ "embed" // the script
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"example.com/parley/messages"
)

// Limits is where nodes settle how much each may use of limits. It is safe for
// concurrent use.
type Limits struct {
	client *redis.Client
	prefix string // of the holders' keys
	nodes  string // the key of those who share
	node   string // this one
}

//go:embed limits.lua
var limitsScript string

var settleLimits = redis.NewScript(limitsScript)

const (
	settledTogether = 100 // reports: some 20 µs each, for which Redis does nothing else
	reportArguments = 18  // of a report in the script
)

// OpenLimits returns the limits in the Redis that cfg names. It connects to nothing
// yet.
func OpenLimits(cfg Config) (*Limits, error) {
	const connections = 2 // one goroutine uses them, one after the other
	client, err := newClient(cfg, connections, 0)
	if err != nil {
		return nil, err
	}
	prefix := cfg.Prefix + ":limit:1:"
	return &Limits{client: client, prefix: prefix + "of:", nodes: prefix + "nodes", node: rand.Text()}, nil
}

// Close gives the connections back.
func (l *Limits) Close() error { return l.client.Close() }

// Exchange tells what this node used, and returns what it may use, for each report,
// and how many nodes there are. It is right to repeat it when it failed.
func (l *Limits) Exchange(ctx context.Context, reports []messages.LimitReport) (shares []messages.LimitShare, nodes int, err error) {
	shares = make([]messages.LimitShare, 0, len(reports))
	for first := true; first || len(reports) > 0; first = false {
		some := reports[:min(len(reports), settledTogether)]
		reports = reports[len(some):]
		if shares, nodes, err = l.settle(ctx, some, shares); err != nil {
			return nil, 0, fmt.Errorf("share limits: %w", err)
		}
	}
	return shares, nodes, nil
}

func (l *Limits) settle(ctx context.Context, reports []messages.LimitReport, shares []messages.LimitShare) ([]messages.LimitShare, int, error) {
	keys := make([]string, 1, 1+len(reports))
	keys[0] = l.nodes
	arguments := make([]any, 1, 1+reportArguments*len(reports))
	arguments[0] = l.node
	for i := range reports {
		keys = append(keys, l.prefix+reports[i].Holder)
		arguments = appendReport(arguments, &reports[i])
	}
	answer, err := settleLimits.Run(ctx, l.client, keys, arguments...).Slice()
	if err != nil {
		return nil, 0, err
	}
	nodes, ok := answer[0].(int64)
	if !ok || len(answer) != len(keys) {
		return nil, 0, errUnreadable
	}
	for _, one := range answer[1:] {
		share, err := readShare(one)
		if err != nil {
			return nil, 0, err
		}
		shares = append(shares, share)
	}
	return shares, int(nodes), nil
}

func appendReport(arguments []any, r *messages.LimitReport) []any {
	arguments = append(arguments, r.Life)
	for _, counts := range [][3]int64{r.Rates, r.Used, r.Told} {
		arguments = append(arguments, counts[0], counts[1], counts[2])
	}
	leaves := 0
	if r.Leaves {
		leaves = 1
	}
	return append(arguments, r.Known[0], r.Known[1], r.Known[2], r.Most[0], r.Most[1], r.Held[0], r.Held[1], leaves)
}

var errUnreadable = fmt.Errorf("redis answers something else than limits.lua does")

func readShare(answer any) (s messages.LimitShare, err error) {
	fields, ok := answer.([]any)
	if !ok || len(fields) != 9 {
		return s, errUnreadable
	}
	texts := make([]string, len(fields))
	for i := range fields {
		if texts[i], ok = fields[i].(string); !ok {
			return s, errUnreadable
		}
	}
	s.Life = texts[0]
	for r := range s.Leased {
		if s.Leased[r], err = strconv.ParseFloat(texts[1+r], 64); err == nil {
			s.Left[r], err = strconv.ParseFloat(texts[4+r], 64)
		}
		if err != nil {
			return s, errUnreadable
		}
	}
	for g := range s.Most {
		if s.Most[g], err = strconv.ParseInt(texts[7+g], 10, 64); err != nil {
			return s, errUnreadable
		}
	}
	return s, nil
}

// Leave takes this node out of those who share.
func (l *Limits) Leave(ctx context.Context) error { return l.client.ZRem(ctx, l.nodes, l.node).Err() }
