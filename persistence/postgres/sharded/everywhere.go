package sharded

import (
	"errors"
	"sync"
)

// everywhere asks all databases at the same time. What they say is in their order.
func everywhere[T any](s *Store, ask func(*database) (T, error)) (answers []T, faults []error) {
	answers, faults = make([]T, len(s.databases)), make([]error, len(s.databases))
	var asked sync.WaitGroup
	for i, d := range s.databases {
		asked.Go(func() { answers[i], faults[i] = ask(d) })
	}
	asked.Wait()
	return answers, faults
}

// sum has all databases do something, and adds up how much each did.
func (s *Store) sum(do func(*database) (int, error)) (total int, err error) {
	counts, faults := everywhere(s, do)
	for _, n := range counts {
		total += n
	}
	return total, errors.Join(faults...)
}
