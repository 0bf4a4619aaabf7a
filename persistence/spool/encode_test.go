package spool

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/parley/messages"
)

// filledRow returns a row none of whose fields is zero, so that a field which is new
// and not written is noticed.
func filledRow(t *testing.T) (row messages.UsageRow) {
	t.Helper()
	n := int64(0)
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		n++
		switch v.Kind() {
		case reflect.String:
			v.SetString(string(rune('a' + n)))
		case reflect.Int, reflect.Int64:
			v.SetInt(n * 1000)
		case reflect.Bool:
			v.SetBool(true)
		case reflect.Array:
			v.Index(0).SetUint(7)
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				v.Set(reflect.ValueOf(time.UnixMicro(1_700_000_000_000_001)))
				return
			}
			for i := range v.NumField() {
				if v.Type().Field(i).Name != "Cache" { // is told to the client, and in no row
					fill(v.Field(i))
				}
			}
		default:
			t.Fatalf("a field of kind %s is new: write it to disk", v.Kind())
		}
	}
	fill(reflect.ValueOf(&row).Elem())
	return row
}

func TestEveryFieldOfARowIsOnDisk(t *testing.T) {
	t.Parallel()
	want := filledRow(t)
	got, err := readRow(appendRow(nil, &want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// FuzzReadRecords: whatever is in a file, reading it ends, and what was written
// whole is read.
func FuzzReadRecords(f *testing.F) {
	row := messages.UsageRow{Tenant: "acme", Attempt: 1, Created: time.UnixMicro(1)}
	whole := appendRecord(nil, settled, &row)
	f.Add([]byte{})
	f.Add(whole[:len(whole)-1])
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, tail []byte) {
		rows := 0
		_ = readRecords(bytes.NewReader(append(bytes.Clone(whole), tail...)), func(_ kind, got messages.UsageRow) {
			if rows++; rows == 1 && got.Tenant != "acme" {
				t.Errorf("read %+v", got)
			}
		})
		if rows == 0 {
			t.Error("a whole record was not read")
		}
	})
}
