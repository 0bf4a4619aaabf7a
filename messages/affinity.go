package messages

// Affinity stands for what calls have in common where a provider may have it in
// its prompt cache: a conversation, or what a client calls alike. Calls of the
// same affinity are best sent to the same place. Zero is none.
type Affinity uint64

// AffinityOf is the affinity of a name, given in parts.
func AffinityOf(first string, others ...string) Affinity {
	return Affinity(max(Hash(first, others...), 1))
}

// Score is how well a place suits the affinity, evenly spread over all 64-bit
// numbers: the place with the highest is the one to send calls to (rendezvous
// hashing). Place is a [Hash] of the place's name. The mixing is MurmurHash3's
// finalizer.
func (a Affinity) Score(place uint64) uint64 {
	x := uint64(a) ^ place
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
