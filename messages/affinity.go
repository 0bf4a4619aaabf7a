package messages

// Affinity stands for what calls have in common where a provider may have it in
// its prompt cache: a conversation, or what a client calls alike. Calls of the
// same affinity are best sent to the same place. Zero is none.
type Affinity uint64

// AffinityOf is the affinity of a name, given in parts. It is the same on every
// node and after every start: 64-bit FNV-1a, with a zero byte behind each part.
func AffinityOf(parts ...string) Affinity {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	for _, part := range parts {
		for i := range len(part) {
			sum = (sum ^ uint64(part[i])) * prime
		}
		sum *= prime
	}
	return Affinity(max(sum, 1))
}

// Score is how well a place suits the affinity, evenly spread over all 64-bit
// numbers: the place with the highest is the one to send calls to (rendezvous
// hashing). Place is a hash of the place's name. The mixing is MurmurHash3's
// finalizer.
func (a Affinity) Score(place uint64) uint64 {
	x := uint64(a) ^ place
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
