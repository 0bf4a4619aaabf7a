package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"sync"

	"example.com/parley/actors/cache/index"
	"example.com/parley/messages"
)

// left are the members of a request that change nothing in what is answered.
var left = map[string]bool{
	"stream": true, "stream_options": true, "user": true, "metadata": true, "store": true, "safety_identifier": true,
	"prompt_cache_key": true, "prompt_cache_retention": true, "service_tier": true,
}

// canonical writes what a request asks for in one way, however the client wrote
// it: fields in a fixed order, each behind its length.
type canonical struct {
	buffer []byte
	last   []byte // partition that was hashed last; most requests of a server share one
	space  uint64 // its name
}

var canonicals = sync.Pool{New: func() any { return &canonical{buffer: make([]byte, 0, 2048)} }}

// largestBuffer is how much of one goes back to the pool, in bytes.
const largestBuffer = 64 << 10

func (c *canonical) text(s string) {
	c.buffer = append(binary.AppendUvarint(c.buffer, uint64(len(s))), s...)
}

func (c *canonical) number(n int) { c.buffer = binary.AppendVarint(c.buffer, int64(n)) }

// real writes a setting, and 0 for one that was left to the provider.
func (c *canonical) real(f *float64) {
	if f == nil {
		c.buffer = append(c.buffer, 0)
		return
	}
	c.buffer = binary.BigEndian.AppendUint64(append(c.buffer, 1), math.Float64bits(*f))
}

// json writes a value with its members sorted, and without the space between.
func (c *canonical) json(raw json.RawMessage) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber() // 1.0 and 1 may mean two things, and large numbers stay what they are
	var value any
	if decoder.Decode(&value) == nil {
		if sorted, err := json.Marshal(value); err == nil {
			raw = sorted
		}
	}
	c.text(string(raw))
}

// partition writes everything that two requests must agree in before one's
// reply may serve the other: who asks, whom, and how. Of the items it takes the
// instructions at the beginning.
func (c *canonical) partition(spec *messages.TurnSpec, route uint64, instructions []messages.Item) {
	c.among(spec.Allowed)
	c.text(string(spec.Tenant))
	c.text(spec.Cache.Namespace)
	c.text(user(spec))
	c.text(spec.Model)
	c.buffer = binary.LittleEndian.AppendUint64(c.buffer, route)
	c.override(&spec.Override)
	c.items(instructions)
	c.options(&spec.Options)
}

// among writes which providers may answer: a reply is shared among those alone who
// might have had it from whoever gave it.
func (c *canonical) among(allowed *messages.Allowed) {
	if !allowed.Restricts() {
		c.text("parley cache 1")
		return
	}
	c.text("parley cache 1 among")
	for _, providers := range [...][]string{allowed.Tenant.Providers, allowed.Key.Providers} {
		c.number(len(providers))
		for _, name := range providers {
			c.text(name)
		}
	}
}

// user is with whom a reply may be shared: empty for all of a tenant.
func user(spec *messages.TurnSpec) string {
	switch {
	case !spec.Cache.PerUser:
		return ""
	case spec.Options.User != "":
		return "user " + spec.Options.User
	default:
		return "key " + string(spec.Key)
	}
}

func (c *canonical) override(o *messages.RouteOverride) {
	c.number(int(o.Strategy))
	c.number(len(o.Targets))
	for _, target := range o.Targets {
		c.text(target.Provider)
		c.text(target.Model)
	}
}

func (c *canonical) options(o *messages.Options) {
	c.number(valueOf(o.MaxTokens))
	for _, setting := range [...]*float64{o.Temperature, o.TopP, o.PresencePenalty, o.FrequencyPenalty} {
		c.real(setting)
	}
	c.number(len(o.Stop))
	for _, stop := range o.Stop {
		c.text(stop)
	}
	if f := o.ResponseFormat; f != nil && f.Kind != messages.ResponseText {
		c.text(string(f.Kind))
		c.text(f.Name)
		c.text(f.Description)
		c.json(f.Schema)
		c.number(flag(f.Strict))
	} else {
		c.text("")
	}
	if o.Reasoning != nil {
		c.text(o.Reasoning.Effort)
		c.text(o.Reasoning.Summary)
	}
	c.extra(o)
}

// extra writes the members that Parley does not know, which may mean anything.
func (c *canonical) extra(o *messages.Options) {
	fields := slices.DeleteFunc(slices.Clone(o.Extra), func(f messages.Field) bool { return left[f.Name] })
	if len(fields) == 0 {
		return
	}
	slices.SortStableFunc(fields, func(a, b messages.Field) int { return cmp.Compare(a.Name, b.Name) })
	c.text(string(o.ExtraFormat))
	for _, f := range fields {
		c.text(f.Name)
		c.json(f.Value)
	}
}

func (c *canonical) items(items []messages.Item) {
	c.number(len(items))
	for i := range items {
		c.item(&items[i])
	}
}

// item writes what is said, by whom; not what the item is called.
func (c *canonical) item(item *messages.Item) {
	c.text(string(item.Kind))
	c.text(string(item.Role))
	c.text(item.Name)
	if len(item.Parts) == 1 { // a text alone is the same as a list of one
		c.text(item.Parts[0].Text)
		c.text(string(item.Parts[0].Kind))
		return
	}
	c.number(len(item.Parts))
	for p := range item.Parts {
		c.text(string(item.Parts[p].Kind))
		c.text(item.Parts[p].Text)
	}
}

func valueOf(n *int) int {
	if n == nil {
		return -1
	}
	return *n
}

func flag(b *bool) int {
	switch {
	case b == nil:
		return 0
	case *b:
		return 1
	default:
		return 2
	}
}

// names returns the key of a request, and the name of those that differ from it in
// no more than the question. Both are of SHA-256: nobody finds two requests with
// one key, and so none that share another tenant's reply.
func names(spec *messages.TurnSpec, route uint64, items []messages.Item, instructions int) (key index.Key, space uint64) {
	c := canonicals.Get().(*canonical) //nolint:forcetypeassert // nothing else is in the pool
	defer func() {
		if cap(c.buffer) <= largestBuffer {
			canonicals.Put(c)
		}
	}()
	c.buffer = c.buffer[:0]
	c.partition(spec, route, items[:instructions])
	space = c.spaceOf(c.buffer)
	c.items(items[instructions:])
	whole := sha256.Sum256(c.buffer)
	return index.Key(whole[:len(key)]), space
}

// spaceOf names a partition.
func (c *canonical) spaceOf(partition []byte) uint64 {
	if len(c.last) == 0 || !bytes.Equal(partition, c.last) {
		sum := sha256.Sum256(partition)
		c.last, c.space = append(c.last[:0], partition...), binary.LittleEndian.Uint64(sum[:])
	}
	return c.space
}
