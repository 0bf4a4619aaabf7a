package postgres_test

import (
	"testing"

	"example.com/parley/persistence/persistencetest"
)

func BenchmarkAppendUsage(b *testing.B) {
	store := open(b, database(b))
	defer store.Close()
	persistencetest.BenchmarkAppendUsage(b, store)
}

func BenchmarkUsageReport(b *testing.B) {
	store := open(b, database(b))
	defer store.Close()
	persistencetest.BenchmarkUsageReport(b, store)
}
