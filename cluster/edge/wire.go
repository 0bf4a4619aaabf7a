package edge

import (
	"encoding/gob"
	"fmt"
	"io"
	"strconv"
	"time"

	"example.com/parley/messages"
)

// What an edge node asks a server of the core: a POST each, whose body and answer are
// one gob. Gobs leave out and pass over what one side does not know, so that either
// may be of another version.
const (
	pathNews  = "/edge/1/news"
	pathKeys  = "/edge/1/keys"
	pathUses  = "/edge/1/uses"
	pathLimit = "/edge/1/limits"
	pathEntry = "/edge/1/entry"
	pathUsage = "/edge/1/usage"
)

// controlProtocol is what both agree on in TLS for these. Connections for clients'
// requests agree on carryProtocol: the core has one address for both.
const (
	controlProtocol = "parley-edge"
	carryProtocol   = "http/1.1"
)

// maxControl bounds one body: a batch of the feed, of keys or of rows is far below it.
const maxControl = 64 << 20

// cursor is how far an edge node has read. Feeds have names: one that began anew is
// another.
type cursor struct {
	Feed string
	Next uint64
	At   time.Time // by the core's clock, when it was given
}

// poll asks for news, and says that the node is there.
type poll struct {
	Name, Version string
	Follow        bool // else it has its news from another server, and only says so
	Cursor        cursor
	Behind        int    // of one that does not follow: what it has not taken yet
	Marks         uint64 // the sum of those that it knows
	Wait          time.Duration
}

// news is the answer.
type news struct {
	Cursor cursor
	Reset  bool // nobody knows what the node has missed: it is to forget all replies
	Denied []messages.CacheDrop
	Events []event
	Behind int // events behind these

	Leaving bool // the server takes no more requests: another one is to be followed

	Fresh        bool // what follows could be found out
	Keys, Limits uint64
	MarksSum     uint64
	Marks        map[string]uint64 // nil where the node knows them
}

// event is something that became of a cache.
type event struct {
	At      time.Time
	Name    messages.CacheName // of what was kept
	Record  []byte             // likewise; else
	Drop    *messages.CacheDrop
	Emptied messages.TenantID
}

func (e *event) size() int { return eventOverhead + len(e.Record) }

// eventOverhead is about what an event takes beside its record, in bytes.
const eventOverhead = 200

type askKeys struct{ IDs []messages.KeyID }

// keysFound has no key for an id that there is none of.
type keysFound struct {
	Version uint64 // that held when they were looked for, or an earlier one
	Keys    []messages.APIKey
}

type keyUses struct{ Uses []messages.KeyUse }

type limitsFound struct{ Limits []messages.Limit }

type askEntry struct{ Name messages.CacheName }

// entryFound has no record where there is none.
type entryFound struct {
	Feed   string
	Next   uint64 // what the feed had when the record was read comes before that
	Record []byte
}

type usageRows struct{ Rows []messages.UsageRow }

// done is nothing: a gob has to have something in it.
type done struct{ OK bool }

func decode(from io.Reader, into any) error {
	limited := &io.LimitedReader{R: from, N: maxControl}
	if err := gob.NewDecoder(limited).Decode(into); err != nil {
		return fmt.Errorf("read what the other side says: %w", err)
	}
	return nil
}

// sumOf stands for where public names lead; 0 where none was made to.
func sumOf(marks map[string]uint64) (sum uint64) {
	for name, mark := range marks {
		sum += messages.Hash(name, strconv.FormatUint(mark, 16)) // in any order
	}
	return sum
}
