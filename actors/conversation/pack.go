package conversation

import (
	"encoding/binary"
	"slices"
	"sync"

	"example.com/parley/messages"
)

// block is some items in one string: about a third of what they take apart, a
// single object without pointers for the collector. An item's name is left out,
// since no model is told it.
//
// It begins with three numbers, [blockHead], and holds the items one behind the
// other: each a number of parts and its fields, then the parts' fields. Fields
// are a number whose bits say which of them are there, and those that are: each
// a number v and maybe text, an odd v standing for known[v/2], an even one for
// the v/2 bytes that follow.
type block string

// blockHead is what can be known of a block without unpacking it.
type blockHead struct{ items, parts, size int }

// known are the words that items are full of. Blocks are kept nowhere but in
// memory, so that the list can change.
var known = [...]string{
	string(messages.ItemMessage), string(messages.ItemToolCall), string(messages.ItemToolOutput), string(messages.ItemReasoning),
	string(messages.RoleSystem), string(messages.RoleDeveloper), string(messages.RoleUser), string(messages.RoleAssistant),
	string(messages.ItemComplete), string(messages.ItemIncomplete),
	string(messages.PartText), string(messages.PartImage), string(messages.PartRefusal), string(messages.PartOther),
}

// packing are *[]byte in which blocks come together, since only then their
// length is known. On the stack they would have an actor's grow each time.
var packing = sync.Pool{New: func() any { return new([]byte) }}

// maxPacking is how large a buffer may be to be used again, in bytes.
const maxPacking = 64 << 10

// pack returns the items as a block.
func pack(items []messages.Item) block {
	buffer := packing.Get().(*[]byte)
	dst := appendItems((*buffer)[:0], items)
	packed := block(dst)
	if cap(dst) <= maxPacking {
		*buffer = dst
		packing.Put(buffer)
	}
	return packed
}

func appendItems(dst []byte, items []messages.Item) []byte {
	var head blockHead
	for i := range items {
		head.items++
		head.parts += len(items[i].Parts)
		head.size += sizeOf(&items[i])
	}
	dst = slices.Grow(dst, head.size)
	for _, n := range [...]int{head.items, head.parts, head.size} {
		dst = appendNumber(dst, n)
	}
	for i := range items {
		dst = appendItem(dst, &items[i])
	}
	return dst
}

func appendItem(dst []byte, item *messages.Item) []byte {
	dst = appendNumber(dst, len(item.Parts))
	dst = appendFields(dst, string(item.Kind), string(item.Role), item.Name, item.CallID, item.Args, string(item.Status), item.Opaque)
	for i := range item.Parts {
		part := &item.Parts[i]
		dst = appendFields(dst, string(part.Kind), part.Text, part.Image, part.Detail, string(part.Raw), string(part.Format))
	}
	return dst
}

func appendFields(dst []byte, fields ...string) []byte {
	present := 0
	for i, field := range fields {
		if field != "" {
			present |= 1 << i
		}
	}
	dst = appendNumber(dst, present)
	for _, field := range fields {
		if field != "" {
			dst = appendField(dst, field)
		}
	}
	return dst
}

func appendField(dst []byte, text string) []byte {
	if i := slices.Index(known[:], text); i >= 0 {
		return appendNumber(dst, 2*i+1)
	}
	return append(appendNumber(dst, 2*len(text)), text...)
}

func appendNumber(dst []byte, n int) []byte {
	return binary.AppendUvarint(dst, uint64(n)) // #nosec G115 -- a count or a length
}

func (b block) head() blockHead { return (&unpacking{rest: string(b)}).head() }

// unpack puts the items and their parts into the beginning of the slices, and
// returns what is left of these. Texts are the block's own, and stay in memory
// with it.
func (b block) unpack(items []messages.Item, parts []messages.Part) ([]messages.Item, []messages.Part) {
	u := unpacking{rest: string(b)}
	head := u.head()
	for i := range head.items {
		own := u.number()
		u.item(&items[i], parts[:own:own])
		parts = parts[own:]
	}
	return items[head.items:], parts
}

// unpacking reads a block, which only pack has written: it fails by panicking.
type unpacking struct {
	rest    string
	present int // a bit for each of the fields that are still to be read
}

func (u *unpacking) head() blockHead {
	return blockHead{items: u.number(), parts: u.number(), size: u.number()}
}

func (u *unpacking) item(item *messages.Item, parts []messages.Part) {
	u.present = u.number()
	item.Kind, item.Role, item.Name = messages.ItemKind(u.field()), messages.Role(u.field()), u.field()
	item.CallID, item.Args, item.Status, item.Opaque = u.field(), u.field(), messages.ItemStatus(u.field()), u.field()
	for i := range parts {
		u.part(&parts[i])
	}
	if len(parts) > 0 {
		item.Parts = parts
	}
}

func (u *unpacking) part(part *messages.Part) {
	u.present = u.number()
	part.Kind, part.Text, part.Image = messages.PartKind(u.field()), u.field(), u.field()
	part.Detail, part.Raw, part.Format = u.field(), raw(u.field()), messages.Format(u.field())
}

// raw is nil for what is empty, as it was.
func raw(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// field reads the next field, which is empty where it is not there.
func (u *unpacking) field() string {
	present := u.present&1 == 1
	u.present >>= 1
	if !present {
		return ""
	}
	v := u.number()
	if v&1 == 1 {
		return known[v>>1]
	}
	text := u.rest[:v>>1]
	u.rest = u.rest[v>>1:]
	return text
}

func (u *unpacking) number() int {
	n := 0
	for i, shift := 0, 0; ; i, shift = i+1, shift+7 {
		b := u.rest[i]
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			u.rest = u.rest[i+1:]
			return n
		}
	}
}
