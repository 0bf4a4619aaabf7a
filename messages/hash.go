package messages

// Hash is 64-bit FNV-1a over the parts of a name, with a zero byte between them.
// It is the same on every node and after every start: storage is laid out by it,
// and routes are chosen.
func Hash(first string, others ...string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	for i := range len(first) {
		sum = (sum ^ uint64(first[i])) * prime
	}
	for _, part := range others {
		sum *= prime // the zero byte
		for i := range len(part) {
			sum = (sum ^ uint64(part[i])) * prime
		}
	}
	return sum
}
