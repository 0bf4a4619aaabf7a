package messages

import (
	"slices"
	"strings"
	"time"
)

// UsageGroup is what the lines of a usage report are told apart by.
type UsageGroup string

// The groups, in the order in which a report sorts by them.
const (
	ByDay       UsageGroup = "day"        // in UTC, of the asking
	ByTenant    UsageGroup = "tenant"     //
	ByKey       UsageGroup = "key"        // whose request it was
	ByProvider  UsageGroup = "provider"   // "cache" for replies that no model was asked for
	ByModel     UsageGroup = "model"      // as the provider calls it
	ByCacheTier UsageGroup = "cache_tier" // see CacheTier
)

// UsageGroups lists them all, in their order.
func UsageGroups() []UsageGroup {
	return []UsageGroup{ByDay, ByTenant, ByKey, ByProvider, ByModel, ByCacheTier}
}

// ParseUsageGroups reads names of groups with commas between them, or "none". It
// returns each once, in the order of reports, or the first name that is none.
func ParseUsageGroups(text string) (groups []UsageGroup, unknown string) {
	wanted := make(map[UsageGroup]bool)
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name == "" || name == "none" {
			continue
		}
		if !slices.Contains(UsageGroups(), UsageGroup(name)) {
			return nil, name
		}
		wanted[UsageGroup(name)] = true
	}
	for _, group := range UsageGroups() {
		if wanted[group] {
			groups = append(groups, group)
		}
	}
	return groups, ""
}

// MaxUsageLines bounds one page of a report.
const MaxUsageLines = 10_000

// UsageQuery asks for a report: of the rows whose requests came From a moment up
// to, but not including, another, in milliseconds' precision.
type UsageQuery struct {
	Tenant   TenantID // empty for all
	From, To time.Time
	By       []UsageGroup // in the order of reports; with none there is one line
	Skip     int          // lines of the pages before
	Limit    int          // lines, up to [MaxUsageLines]
}

// UsageTotal is a line of a usage report. What it is not told apart by is empty.
type UsageTotal struct {
	Day       string // as 2026-01-31
	Tenant    TenantID
	Key       KeyID
	Provider  string
	Model     string // as the provider calls it
	CacheTier CacheTier

	Attempts int64
	Usage    Usage
	Cost     NanoDollars
	Saved    NanoDollars // what the replies from the cache would have cost
	Unpriced int64       // attempts without a price
}

// Group returns what a group is told apart by.
func (t *UsageTotal) Group(by UsageGroup) string {
	switch by {
	case ByDay:
		return t.Day
	case ByTenant:
		return string(t.Tenant)
	case ByKey:
		return string(t.Key)
	case ByProvider:
		return t.Provider
	case ByModel:
		return t.Model
	default:
		return string(t.CacheTier)
	}
}

// WithoutCache is what all replies would have cost if a model had been asked for
// each of them.
func (t *UsageTotal) WithoutCache() NanoDollars { return t.Cost + t.Saved }

// SavedPercent is how much of that the cache saved, from 0 to 100.
func (t *UsageTotal) SavedPercent() float64 {
	if t.WithoutCache() == 0 {
		return 0
	}
	return 100 * float64(t.Saved) / float64(t.WithoutCache())
}

// Add adds another line's sums.
func (t *UsageTotal) Add(other *UsageTotal) {
	t.Attempts += other.Attempts
	t.Usage.Input += other.Usage.Input
	t.Usage.Output += other.Usage.Output
	t.Usage.Cached += other.Usage.Cached
	t.Usage.CacheWrite += other.Usage.CacheWrite
	t.Usage.Reasoning += other.Usage.Reasoning
	t.Cost += other.Cost
	t.Saved += other.Saved
	t.Unpriced += other.Unpriced
}

// UsageReport is a page of a report.
type UsageReport struct {
	Lines []UsageTotal // sorted by what they are told apart by
	More  bool         // lines come behind them
	Sum   UsageTotal   // of the whole report, not of the page
}
