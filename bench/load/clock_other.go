//go:build !linux

package load

import "time"

func sharpen() {}

func sleepUntil(then time.Time) { time.Sleep(time.Until(then)) }
