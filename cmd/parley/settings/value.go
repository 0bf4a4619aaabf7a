package settings

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// parse turns what an operator wrote into what koanf sets the key to. Its error
// says what is allowed.
func (k *key) parse(written string) (value any, err error) {
	var ok bool
	switch k.kind {
	case text:
		return written, nil
	case worded: // koanf copies values, which loses what a type hides: the type reads the text again later
		return written, reflect.New(k.typ).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(written))
	case yesNo:
		value, ok = parseYesNo(written)
	case whole:
		value, ok = k.parseWhole(written)
	case size:
		value, ok = k.parseSize(written)
	case number:
		value, ok = parseNumber(written)
	case duration:
		value, err = time.ParseDuration(written)
		ok = err == nil
	}
	if !ok {
		return nil, errors.New(k.allowed())
	}
	return value, nil
}

// parseYesNo takes the words of YAML 1.1 and 1.2, and those that people write
// into environment variables.
func parseYesNo(written string) (value any, ok bool) {
	switch strings.ToLower(written) {
	case "true", "yes", "on", "1":
		return true, true
	case "false", "no", "off", "0":
		return false, true
	default:
		return nil, false
	}
}

func parseNumber(written string) (value any, ok bool) {
	f, err := strconv.ParseFloat(written, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// parseWhole takes decimal digits, which may be grouped: 1_000_000.
func (k *key) parseWhole(written string) (value any, ok bool) {
	digits := strings.ReplaceAll(written, "_", "")
	zero := reflect.Zero(k.typ)
	if zero.CanUint() {
		n, err := strconv.ParseUint(digits, 10, 64)
		return n, err == nil && !zero.OverflowUint(n)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && !zero.OverflowInt(n)
}

// units of bytes, the longer name first.
var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10},
	{"MiB", 1 << 20},
	{"GiB", 1 << 30},
	{"TiB", 1 << 40},
	{"kB", 1e3},
	{"MB", 1e6},
	{"GB", 1e9},
	{"TB", 1e12},
	{"B", 1},
}

// parseSize takes a number of bytes, or of a unit of them.
func (k *key) parseSize(written string) (value any, ok bool) {
	for _, unit := range units {
		amount, has := cutSuffixFold(written, unit.name)
		if !has {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(amount), 64)
		if bytes := f * unit.bytes; err == nil && bytes == math.Trunc(bytes) && math.Abs(bytes) < 1<<53 {
			return k.parseWhole(strconv.FormatInt(int64(bytes), 10))
		}
		return nil, false
	}
	return k.parseWhole(written)
}

func cutSuffixFold(s, suffix string) (before string, found bool) {
	at := len(s) - len(suffix)
	if at < 0 || !strings.EqualFold(s[at:], suffix) {
		return s, false
	}
	return s[:at], true
}

// allowed says what the key takes, as the end of a sentence. Its example is the
// default, which cannot be wrong.
func (k *key) allowed() string {
	example := func(otherwise string) string {
		if k.initial.IsValid() && !k.initial.IsZero() {
			return k.format(k.initial)
		}
		return otherwise
	}
	switch k.kind {
	case section:
		return "give the keys " + enumerate(names(k.keys)) + " below it"
	case table:
		return "give names with their settings below it"
	case list:
		return "give a list such as [" + k.element.sample() + "]"
	case text:
		return "give text" + suchAs(example(""))
	case yesNo:
		return "give true or false"
	case whole:
		return "give a whole number" + k.bounds() + suchAs(example("8"))
	case number:
		return "give a number" + suchAs(example("0.5"))
	case size:
		return "give a number of bytes" + suchAs(k.sizeExample())
	case duration:
		return "give a duration" + suchAs(example("30s"))
	default:
		return "give a value of the kind " + k.kindName()
	}
}

// bounds tells how far a narrow type reaches.
func (k *key) bounds() string {
	const wide = 64
	bits := k.typ.Bits()
	switch unsigned := reflect.Zero(k.typ).CanUint(); {
	case bits < wide && unsigned:
		return fmt.Sprintf(" from 0 to %d", uint64(1)<<bits-1)
	case bits < wide:
		return fmt.Sprintf(" from %d to %d", -(int64(1) << (bits - 1)), int64(1)<<(bits-1)-1)
	case unsigned:
		return " from 0"
	default:
		return ""
	}
}

func suchAs(example string) string {
	if example == "" {
		return ""
	}
	return " such as " + example
}

// sizeExample shows both ways to write it.
func (k *key) sizeExample() string {
	if !k.initial.IsValid() || k.initial.IsZero() {
		return "4194304 or 4MiB"
	}
	plain, short := fmt.Sprint(k.initial.Interface()), k.format(k.initial)
	if plain == short {
		return plain
	}
	return plain + " or " + short
}

func (k *key) sample() string {
	switch k.kind {
	case section:
		return "{" + strings.Join(names(k.keys), ": ..., ") + ": ...}"
	case text:
		return "one, two"
	default:
		return k.kindName()
	}
}

// kindName is the word for the kind in the reference.
func (k *key) kindName() string {
	switch k.kind {
	case section, table:
		return "settings"
	case list:
		return "list of " + k.element.kindName()
	case text:
		return "text"
	case yesNo:
		return "true or false"
	case whole:
		return "whole number"
	case number:
		return "number"
	case size:
		return "bytes"
	case duration:
		return "duration"
	default:
		return strings.ToLower(k.typ.Name())
	}
}

// format writes a value as an operator would.
func (k *key) format(v reflect.Value) string {
	switch k.kind {
	case list:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = k.element.format(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case section:
		var fields []string
		for _, c := range k.keys {
			if f := v.FieldByName(c.field); c.kind != pathTo && !f.IsZero() {
				fields = append(fields, c.name+": "+c.show(f))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case size:
		return formatSize(v)
	case duration:
		return formatDuration(time.Duration(v.Int()))
	default:
		return fmt.Sprint(v.Interface())
	}
}

// formatSize uses the largest unit that leaves a whole number.
func formatSize(v reflect.Value) string {
	n := int64(0)
	if v.CanInt() {
		n = v.Int()
	} else if u := v.Uint(); u <= math.MaxInt64 {
		n = int64(u)
	}
	for i := len(units) - 1; i >= 0; i-- {
		unit := units[i]
		if bytes := int64(unit.bytes); strings.HasSuffix(unit.name, "iB") && n != 0 && n%bytes == 0 {
			return strconv.FormatInt(n/bytes, 10) + unit.name
		}
	}
	return fmt.Sprint(v.Interface())
}

// formatDuration leaves out the zeros that time.Duration writes: 5m, not 5m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if before, has := strings.CutSuffix(s, "m0s"); has {
		s = before + "m"
	}
	if before, has := strings.CutSuffix(s, "h0m"); has {
		s = before + "h"
	}
	return s
}
