package settings

import (
	"encoding"
	"errors"
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
