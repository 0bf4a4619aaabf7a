package redis

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"example.com/parley/messages"
)

// names are the keys that are used.
type names struct{ entries, inserts, drops string }

func newNames(prefix string) names {
	prefix += ":cache:1:"
	return names{entries: prefix + "entry:", inserts: prefix + "inserts", drops: prefix + "drops"}
}

// of is where a record is.
func (n *names) of(name messages.CacheName) string {
	return n.entries + string(name.Tenant) + ":" + digits(name.Entry)
}

// parse reads what of wrote.
func (n *names) parse(key string) (name messages.CacheName, ok bool) {
	rest, ok := strings.CutPrefix(key, n.entries)
	colon := strings.LastIndexByte(rest, ':')
	if !ok || colon < 0 {
		return name, false
	}
	name.Tenant = messages.TenantID(rest[:colon])
	name.Entry, ok = parseDigits(rest[colon+1:])
	return name, ok
}

// digits writes a hash as 16 hex digits.
func digits(hash uint64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, hash))
}

func parseDigits(s string) (hash uint64, ok bool) {
	hash, err := strconv.ParseUint(s, 16, 64)
	return hash, err == nil && len(s) == 16
}
