// Command overhead measures what the server adds to a call: of its own, and
// beside its bare libraries.
//
//	go run ./bench/overhead [-duration 2s] [-rounds 5] [-conversations 100000] [-quick] [-only requests,streams,...]
//
// It starts an upstream, bench/bareproxy and the server, each a process of its
// own, and asks all three the same: the upstream directly, through the bare
// proxy, and through the server, which authenticates, admits, routes, minds its
// breaker, writes a usage row and counts, and keeps nothing else. The one that
// is measured has a core to itself as far as there are cores; upstream and load
// have the others. The upstream says the same to everything
// (bench/upstream/canned), so that it is not what is measured.
//
// Every measurement goes round all three, each time beginning with another, so
// that what changes with time changes for all. Figures are medians over the
// rounds with the least and the most; those of two are compared within a round.
//
// What it finds it prints as one line of JSON, explained in bench/README.md. It
// ends with status 1 when a target is missed.
package main
