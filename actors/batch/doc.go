// Package batch answers lists of requests behind those that people wait for: each
// request is a turn like any other, in the batch class, and a batch has a bounded
// number of them under way. A client waits for all ([Batches.Do]), or comes back
// for the results ([Batches.Begin]), which are kept in memory for a while: they
// outlive the client, and not the process. What the turns cost is in the ledger
// either way.
//
//	batches.go   the batches that there are: begin, look, cancel, forget
//	work.go      one batch at work: its goroutines, and what they have brought
//	ask.go       one request: asked, asked again where the server was busy
//	account.go   the bytes that all of them take together
package batch
