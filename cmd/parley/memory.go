package main

import (
	"os"
	"runtime/debug"
)

// collectAt is how much the heap may grow, in percent of what is live, before
// garbage is collected. A server's live heap is a few megabytes, its garbage is
// a few kilobytes a request: at Go's own 100 the collector takes a fifth of the
// processor under load, at this a twentieth, for some tens of megabytes.
const collectAt = 400

// spareTheCollector sets it, unless the operator has set GOGC or GOMEMLIMIT.
func spareTheCollector() {
	_, ratio := os.LookupEnv("GOGC")
	_, limit := os.LookupEnv("GOMEMLIMIT")
	if !ratio && !limit {
		debug.SetGCPercent(collectAt)
	}
}
