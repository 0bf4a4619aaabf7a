package spool

import (
	"encoding/binary"
	"time"

	"example.com/parley/messages"
)

// appendRow writes a row: strings behind their length, numbers as varints. It is
// on the hot path, twice for each turn that is kept nowhere. readRow reads the
// same fields in the same order; a new one goes to the end of both.
func appendRow(dst []byte, row *messages.UsageRow) []byte {
	dst = append(dst, row.Request[:]...)
	for _, text := range [...]string{
		string(row.Tenant), string(row.Key), string(row.Conversation), row.Endpoint, row.Model, string(row.Status),
		row.Served.Provider, row.Served.Model, row.Served.Fingerprint, row.Served.ServiceTier, row.Served.Earlier,
	} {
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	for _, number := range [...]int64{
		int64(row.Attempt), int64(row.Served.Attempts),
		int64(row.Usage.Input), int64(row.Usage.Output), int64(row.Usage.Cached), int64(row.Usage.CacheWrite), int64(row.Usage.Reasoning),
		int64(row.Cost), row.Created.UnixMicro(),
		one(row.Served.Simulated), one(row.Usage.Estimated), one(row.Priced), int64(row.Saved),
	} {
		dst = binary.AppendVarint(dst, number)
	}
	for _, text := range [...]string{string(row.CacheTier), row.Price} {
		dst = append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	return dst
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// readRow reads what appendRow wrote.
func readRow(body []byte) (row messages.UsageRow, err error) {
	if len(body) < len(row.Request) {
		return row, errDamaged
	}
	r := rowReader{left: body[copy(row.Request[:], body):]}
	row.Tenant, row.Key, row.Conversation = messages.TenantID(r.text()), messages.KeyID(r.text()), messages.ConversationID(r.text())
	row.Endpoint, row.Model, row.Status = r.text(), r.text(), messages.AttemptStatus(r.text())
	row.Served.Provider, row.Served.Model, row.Served.Fingerprint, row.Served.ServiceTier = r.text(), r.text(), r.text(), r.text()
	row.Served.Earlier = r.text()
	row.Attempt, row.Served.Attempts = int(r.number()), int(r.number())
	row.Usage.Input, row.Usage.Output, row.Usage.Cached = int(r.number()), int(r.number()), int(r.number())
	row.Usage.CacheWrite, row.Usage.Reasoning = int(r.number()), int(r.number())
	row.Cost, row.Created = messages.NanoDollars(r.number()), time.UnixMicro(r.number())
	row.Served.Simulated, row.Usage.Estimated, row.Priced = r.number() != 0, r.number() != 0, r.number() != 0
	if len(r.left) > 0 { // rows of an earlier version end here
		row.Saved = messages.NanoDollars(r.number())
	}
	if len(r.left) > 0 { // or here
		row.CacheTier, row.Price = messages.CacheTier(r.text()), r.text()
	}
	return row, r.err
}

// rowReader reads one field after the other. After a fault all are zero.
type rowReader struct {
	left []byte
	err  error
}

func (r *rowReader) text() string {
	length, n := binary.Uvarint(r.left)
	if r.err != nil || n <= 0 || length > uint64(len(r.left)-n) {
		r.err = errDamaged
		return ""
	}
	text := string(r.left[n : n+int(length)]) // #nosec G115 -- no longer than what is left
	r.left = r.left[n+int(length):]           // #nosec G115 -- as above
	return text
}

func (r *rowReader) number() int64 {
	number, n := binary.Varint(r.left)
	if r.err != nil || n <= 0 {
		r.err = errDamaged
		return 0
	}
	r.left = r.left[n:]
	return number
}
