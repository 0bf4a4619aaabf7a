package spool

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"example.com/parley/messages"
)

// kind says what a record is.
type kind byte

const (
	reserved kind = 1
	settled  kind = 2
)

// A record on disk is the length of its body and the body's CRC-32C, four bytes
// each, little-endian; the body: its kind, and a usage row as encode.go writes
// it; and zeros up to the next multiple of recordAlign. A length of zero is the
// end of what was written.
const (
	headerBytes    = 8
	recordAlign    = 8
	maxRecordBytes = 1 << 20 // a row is some 200 bytes; more is damage
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends a record's bytes to dst.
func appendRecord(dst []byte, k kind, row *messages.UsageRow) []byte {
	var empty [recordAlign]byte
	start := len(dst)
	dst = append(dst, empty[:headerBytes]...)
	dst = appendRow(append(dst, byte(k)), row)
	body := dst[start+headerBytes:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(body))) // #nosec G115 -- far below
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(body, castagnoli))
	return append(dst, empty[:padding(len(body))]...)
}

// padding is how many zeros follow a body.
func padding(body int) int { return -body & (recordAlign - 1) }

var errDamaged = errors.New("a record is damaged")

// readRecords calls take for each whole record, and passes over those that are
// damaged, of which it tells in the end. The tail that a dying process left half
// written is no damage.
func readRecords(from io.Reader, take func(kind, messages.UsageRow)) (err error) {
	in := bufio.NewReader(from)
	var header [headerBytes]byte
	for {
		if _, e := io.ReadFull(in, header[:]); e != nil {
			return torn(e, err)
		}
		size := binary.LittleEndian.Uint32(header[:4])
		switch {
		case size == 0:
			return err
		case size > maxRecordBytes:
			return errDamaged
		}
		body := make([]byte, int(size)+padding(int(size)))
		if _, e := io.ReadFull(in, body); e != nil {
			return torn(e, err)
		}
		body = body[:size]
		row, e := readRow(body[1:])
		if e != nil || crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			err = errDamaged
			continue
		}
		take(kind(body[0]), row)
	}
}

// torn makes the end of a file, in whatever place, the end of what there is.
func torn(err, sofar error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return sofar
	}
	return err
}
