package embed

import (
	"bytes"
	"math/bits"
)

// pieceTable finds word pieces by their bytes: open addressing with linear probing
// over what the vocabulary has, one below the other, so that nothing is copied and a
// piece that is found costs one look at three places. It is immutable.
type pieceTable struct {
	vocabulary []byte   // of all pieces, each behind a line's end
	starts     []uint32 // of the rows' pieces in it
	slots      []uint32 // tag of the piece's hash << 16 | row; emptySlot where there is none
	shift      int      // leaves of a hash what numbers a slot
}

// mostRows is how many a slot can tell apart.
const mostRows = 1<<16 - 1

const emptySlot = 1<<32 - 1

// newPieceTable has room for so many pieces, with half of the slots free.
func newPieceTable(vocabulary []byte, starts []uint32, pieces int) pieceTable {
	size := bits.Len(uint(2*pieces + 1)) // #nosec G115 -- not negative
	t := pieceTable{vocabulary: vocabulary, starts: starts, slots: make([]uint32, 1<<size), shift: 32 - size}
	for i := range t.slots {
		t.slots[i] = emptySlot
	}
	return t
}

// add adds the piece of a row.
func (t *pieceTable) add(piece []byte, row uint32) {
	hash := uint32(pieceHash)
	for _, c := range piece {
		hash = pieceHashNext(hash, c)
	}
	at := t.place(hash)
	for t.slots[at] != emptySlot {
		at = (at + 1) % len(t.slots)
	}
	t.slots[at] = hash<<16 | row
}

// find returns the row of a piece with this hash.
func (t *pieceTable) find(piece []byte, hash uint32) (row uint32, found bool) {
	for at := t.place(hash); t.slots[at] != emptySlot; at = (at + 1) & (len(t.slots) - 1) {
		if slot := t.slots[at]; slot>>16 == hash&0xffff && t.is(slot&0xffff, piece) {
			return slot & 0xffff, true
		}
	}
	return 0, false
}

// is tells whether a row is that of a piece.
func (t *pieceTable) is(row uint32, piece []byte) bool {
	rest := t.vocabulary[t.starts[row]:]
	return len(rest) > len(piece) && rest[len(piece)] == '\n' && bytes.Equal(rest[:len(piece)], piece)
}

func (t *pieceTable) place(hash uint32) int { return int(hash * 0x9e3779b1 >> t.shift) }

// pieceHash is the hash of nothing, and pieceHashNext takes in a byte (FNV-1a): the
// hashes of all beginnings of a word come of one pass.
const pieceHash = 2166136261

func pieceHashNext(hash uint32, c byte) uint32 { return (hash ^ uint32(c)) * 16777619 }
