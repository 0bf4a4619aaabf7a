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

// A record on disk is its length and CRC-32C, four bytes each, little-endian,
// its kind, and a usage row as encode.go writes it.
const (
	headerBytes    = 8
	maxRecordBytes = 1 << 20 // a row is some 200 bytes; more is damage
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends a record's bytes to dst.
func appendRecord(dst []byte, k kind, row *messages.UsageRow) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, headerBytes)...)
	dst = appendRow(append(dst, byte(k)), row)
	body := dst[start+headerBytes:]
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(body))) // #nosec G115 -- far below
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(body, castagnoli))
	return dst
}

var errDamaged = errors.New("a record is damaged")

// readRecords calls take for each whole record. The tail that a dying process
// left half written is no error; anything else that cannot be read is, and what
// came before it has been taken.
func readRecords(from io.Reader, take func(kind, messages.UsageRow)) error {
	in := bufio.NewReader(from)
	var header [headerBytes]byte
	for {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			return torn(err)
		}
		size := binary.LittleEndian.Uint32(header[:4])
		if size == 0 || size > maxRecordBytes {
			return errDamaged
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(in, body); err != nil {
			return torn(err)
		}
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(header[4:]) {
			return errDamaged
		}
		row, err := readRow(body[1:])
		if err != nil {
			return err
		}
		take(kind(body[0]), row)
	}
}

// torn makes the end of a file, in whatever place, the end.
func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
