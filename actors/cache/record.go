package cache

import (
	"encoding/binary"
	"math"
	"unique"

	"example.com/parley/actors/cache/index"
	"example.com/parley/actors/cache/question"
)

// recordVersion is of the form of a record. A node passes over those of another
// version: while nodes are replaced one after the other, there are fewer hits.
const recordVersion = 1

// encodeRecord writes an entry as other nodes read it: numbers of fixed size, texts
// behind their length.
func encodeRecord(e *index.Entry, embedder string) []byte {
	tenant := e.Tenant.Value()
	values, scale := e.At.Values()
	b := make([]byte, 0, 128+len(tenant)+len(embedder)+8*len(e.Loose)+len(values)+len(e.Body))
	b = append(b, recordVersion, question.Rules)
	b = append(b, e.Key[:]...)
	for _, n := range [...]uint64{e.Space, e.Same, e.Strict, uint64(e.Created), uint64(e.Expires), uint64(max(e.Price, 0))} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	b = appendText(appendText(b, tenant), embedder)
	b = binary.AppendUvarint(b, uint64(len(e.Loose)))
	for _, w := range e.Loose {
		b = binary.LittleEndian.AppendUint32(b, w.Form)
		b = binary.LittleEndian.AppendUint16(b, w.Letters)
		b = binary.LittleEndian.AppendUint16(b, w.Root)
	}
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(scale))
	b = appendText(b, values)
	return appendText(b, e.Body)
}

// decodeRecord reads what encodeRecord wrote; whatever else it is given is an error.
// What another embedder said of the question, or other rules of reading, cannot be
// compared with what this node knows, and is left out.
func decodeRecord(record []byte, embedder string) (*learn, error) {
	in := reader{left: string(record)}
	if in.byte() != recordVersion {
		return nil, errDamaged
	}
	sameRules := in.byte() == question.Rules
	e := &index.Entry{}
	copy(e.Key[:], in.bytes(len(e.Key)))
	e.Space, e.Same, e.Strict = in.fixed(), in.fixed(), in.fixed()
	e.Created, e.Expires, e.Price = uint32(in.fixed()), uint32(in.fixed()), int64(in.fixed()) // #nosec G115 -- as they were written
	e.Tenant = unique.Make(in.text())
	sameEmbedder := in.text() == embedder
	for n := in.number(); n > 0 && !in.broken; n-- {
		w := in.fixed()
		e.Loose = append(e.Loose, question.Word{Form: uint32(w), Letters: uint16(w >> 32), Root: uint16(w >> 48)}) // #nosec G115 -- the parts of it
	}
	scale := math.Float32frombits(in.fixed32())
	values := in.text()
	e.Body = in.text()
	if in.broken || in.left != "" || e.Expires <= e.Created || e.Price < 0 {
		return nil, errDamaged
	}
	if !sameRules {
		e.Same, e.Strict, e.Loose = 0, 0, nil
	}
	l := &learn{entry: e}
	if sameRules && sameEmbedder && len(e.Loose) > 0 && values != "" {
		point, ok := index.RestorePoint(values, scale)
		if !ok {
			return nil, errDamaged
		}
		e.At = point
	}
	return l, nil
}
