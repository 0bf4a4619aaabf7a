package spool

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"

	"example.com/parley/messages"
)

// record is one line of the queue, either of the two.
type record struct {
	Reserved *messages.Reservation `json:"reserved,omitempty"`
	Settled  *messages.UsageRow    `json:"settled,omitempty"`
}

// A record on disk is its length and CRC-32C, four bytes each, little-endian,
// and its JSON.
const (
	headerBytes    = 8
	maxRecordBytes = 1 << 20 // a row is some 500 bytes; more is damage
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord appends r's bytes to dst.
func appendRecord(dst []byte, r record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return dst, err
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body))) // #nosec G115 -- far below
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(body, castagnoli))
	return append(dst, body...), nil
}

var errDamaged = errors.New("a record is damaged")

// readRecords calls take for each whole record. The tail that a dying process
// left half written is no error; anything else that cannot be read is, and what
// came before it has been taken.
func readRecords(from io.Reader, take func(record)) error {
	in := bufio.NewReader(from)
	var header [headerBytes]byte
	for {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			return torn(err)
		}
		size := binary.LittleEndian.Uint32(header[:4])
		if size > maxRecordBytes {
			return errDamaged
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(in, body); err != nil {
			return torn(err)
		}
		var r record
		if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(header[4:]) || json.Unmarshal(body, &r) != nil {
			return errDamaged
		}
		take(r)
	}
}

// torn makes the end of a file, in whatever place, the end.
func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
