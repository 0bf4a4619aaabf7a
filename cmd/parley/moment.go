package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"example.com/parley/messages"
)

// Which way a duration counts from now.
const (
	forward  = 1
	backward = -1
)

// moment reads a time as people write it: a day, a moment, or how long from
// now.
func moment(flag, written string, now time.Time, direction time.Duration) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, written); err == nil {
			return t.UTC(), nil
		}
	}
	if d, ok := days(written); ok {
		return now.Add(direction * d).UTC(), nil
	}
	if d, err := time.ParseDuration(written); err == nil && d > 0 {
		return now.Add(direction * d).UTC(), nil
	}
	return time.Time{}, &messages.Failure{
		Code: messages.CodeInvalidRequest, What: fmt.Sprintf("--%s is %q", flag, written),
		Do: "give a day such as 2030-01-31, a moment such as 2030-01-31T12:00:00Z, or a time from now such as 90d or 12h",
	}
}

// days reads a number of days, which time.ParseDuration does not know.
func days(written string) (time.Duration, bool) {
	const longest = 36500 // a hundred years
	number, ok := strings.CutSuffix(written, "d")
	n, err := strconv.Atoi(number)
	return time.Duration(n) * 24 * time.Hour, ok && err == nil && n > 0 && n <= longest
}
