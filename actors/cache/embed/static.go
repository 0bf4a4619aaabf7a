package embed

import (
	"bytes"
	"context"
	_ "embed" // the table
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sync"
	"unsafe"
)

//go:embed static/table.bin
var tableFile []byte

// Static embeds a text as the mean of its word pieces' vectors, from a table that
// the binary carries: static/distill.py says how it was made, and from what. A
// short question takes some 3 us (BenchmarkStatic).
type Static struct {
	words      wordPieces
	dimensions int
	scales     []float32 // of the rows
	rows       []int8    // one row after another
	id         string
}

// OpenStatic returns the embedder of the table in the binary, which is read at the
// first call.
var OpenStatic = sync.OnceValues(func() (*Static, error) { return readStatic(tableFile) })

const (
	staticMagic  = "PARLEYST"
	staticHeader = len(staticMagic) + 3*4
)

var errNoTable = errors.New("the static embedder's table is damaged: build the program again from its sources")

func readStatic(file []byte) (*Static, error) {
	if len(file) < staticHeader || string(file[:len(staticMagic)]) != staticMagic {
		return nil, errNoTable
	}
	field := func(i int) int { return int(binary.LittleEndian.Uint32(file[len(staticMagic)+4*i:])) }
	dimensions, count, vocabulary := field(0), field(1), field(2)
	body := file[staticHeader:]
	if len(body) != vocabulary+4*count+dimensions*count || dimensions%8 != 0 || count > mostRows {
		return nil, errNoTable
	}
	s := &Static{
		dimensions: dimensions, scales: make([]float32, count), rows: signed(body[vocabulary+4*count:]),
		id: fmt.Sprintf("static-%d-%08x", dimensions, crc32.ChecksumIEEE(file)),
	}
	for i := range s.scales {
		s.scales[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[vocabulary+4*i:]))
	}
	var whole bool
	if s.words, whole = readPieces(body[:vocabulary], count); !whole {
		return nil, errNoTable
	}
	return s, nil
}

// readPieces finds the pieces in a vocabulary, one a line, which it has so many of.
func readPieces(vocabulary []byte, count int) (w wordPieces, whole bool) {
	const tailMark = "##"
	starts, tails := make([]uint32, 0, count), 0
	isTail := func(piece []byte) bool {
		return bytes.HasPrefix(piece, []byte(tailMark)) && len(piece) > len(tailMark)+len("\n")
	}
	start := 0
	for line := range bytes.Lines(vocabulary) {
		at := start
		if isTail(line) {
			at += len(tailMark)
			tails++
		}
		starts = append(starts, uint32(at)) // #nosec G115 -- the file is of some megabytes
		start += len(line)
	}
	if len(starts) != count || !bytes.HasSuffix(vocabulary, []byte("\n")) {
		return w, false
	}
	w.heads, w.tails = newPieceTable(vocabulary, starts, count-tails), newPieceTable(vocabulary, starts, tails)
	row := uint32(0)
	for line := range bytes.Lines(vocabulary) {
		piece := line[:len(line)-1]
		if isTail(line) {
			w.tails.add(piece[len(tailMark):], row)
		} else {
			w.heads.add(piece, row)
		}
		row++
	}
	return w, true
}

// signed reads bytes as int8, where they are: the table is the program's own, and
// nobody writes to it.
func signed(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b)) // #nosec G103 -- the same bytes, of the same size
}

// ID implements [Embedder].
func (s *Static) ID() string { return s.id }

// Embed implements [Embedder].
func (s *Static) Embed(_ context.Context, dst []float32, text string) ([]float32, error) {
	start := len(dst)
	dst = slices.Grow(dst, s.dimensions)[:start+s.dimensions]
	clear(dst[start:])
	sum := dst[start:]
	for p := (pieces{from: &s.words}); text != ""; {
		var rows []uint32
		rows, text = p.read(text)
		for _, row := range rows {
			s.add(sum, int(row))
		}
	}
	if !normalize(sum) {
		return dst[:start], nil
	}
	return dst, nil
}

// add adds a row to sum, eight values at a time: the loop is most of what an
// embedding costs.
func (s *Static) add(sum []float32, row int) {
	scale := s.scales[row]
	values := s.rows[row*s.dimensions:][:len(sum)]
	for len(values) >= 8 && len(sum) >= 8 { // the dimensions of every table are a multiple
		v, t := (*[8]int8)(values), (*[8]float32)(sum)
		t[0] += float32(v[0]) * scale
		t[1] += float32(v[1]) * scale
		t[2] += float32(v[2]) * scale
		t[3] += float32(v[3]) * scale
		t[4] += float32(v[4]) * scale
		t[5] += float32(v[5]) * scale
		t[6] += float32(v[6]) * scale
		t[7] += float32(v[7]) * scale
		values, sum = values[8:], sum[8:]
	}
}

// staticCalibration is from the development pairs: see docs/decisions/semantic-cache.md.
var staticCalibration = calibration{{0, 0}, {0.5, 0.4}, {0.85, 0.65}, {0.95, 0.85}, {1, 1}}

// Calibrate implements [Embedder].
func (s *Static) Calibrate(threshold float64) float32 { return staticCalibration.at(threshold) }
