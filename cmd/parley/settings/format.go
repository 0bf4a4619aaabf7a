package settings

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

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
