package sqlite

import (
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"example.com/parley/messages"
	"example.com/parley/persistence/relational"
)

// primaryCode masks SQLite's extended result codes.
const primaryCode = 0xff

// failure tells callers what they can do about err.
func failure(method string, err error) error {
	_, told := errors.AsType[*messages.Failure](err)
	if e, ok := errors.AsType[*sqlite.Error](err); ok && !told && e.Code()&primaryCode == sqlite3.SQLITE_FULL {
		return relational.Full(method, err)
	}
	return relational.Unavailable(method, err)
}
