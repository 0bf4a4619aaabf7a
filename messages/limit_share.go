package messages

// LimitReport is what a node tells the others of one that is limited, and asks for
// another share of. It may be repeated: what was used counts once.
type LimitReport struct {
	Holder string // whose limits they are; opaque, and the same on all nodes
	Life   string // of what the others know, as far as this node does; empty for not at all
	// Rates are a minute's, of requests, tokens and messages; 0 for no limit.
	Rates [3]int64
	// Used counts what this node has used of each in all, and Told what of that the
	// node knows to be known.
	Used, Told [3]int64
	// Known is what all nodes together had left, as far as this node knows. It is
	// begun with where the others have forgotten.
	Known [3]float64
	// Most are the limits of what is used at the same time, turns and connections,
	// and Held what this node uses; 0 for no limit.
	Most, Held [2]int64
	// Leaves gives everything back that is leased.
	Leaves bool
}

// LimitShare is what a node may use of a holder's limits until it reports again.
type LimitShare struct {
	Life string
	// Leased is this node's alone. Left is what all nodes together have, with what is
	// leased; below 0 when more was used than there was.
	Leased, Left [3]float64
	// Most is what this node may use at the same time.
	Most [2]int64
}
