// Command overload finds out what becomes of a server that is asked for more than
// it can do: it starts one on loopback, measures how much it does, and then offers
// half of that, as much, twice and five times as much, at a constant rate, come what
// may.
//
//	go run ./bench/overload -postgres URL           some minutes
//	go run ./bench/overload -postgres URL -quick    a minute, to see whether it works
//
// Without a PostgreSQL -only names the parts that need none.
//
// Two tenants ask: a polite one, at a tenth of the capacity and never more, and one
// that floods with all the rest. What is found out for each load:
//
//	goodput   requests that were answered, a second
//	refused   by status: 429 to whom it is their own limit, 503 where the server is full
//	p99       of the polite tenant, from the moment that a request was due, beside that
//	          of a quiet server
//
// The capacity is bounded twice. With "places" it is by admission.max_running and a
// model that takes 50 ms, so that the load and the server find room on few cores;
// with "processor" by what a part of one core can do with streams of a hundred
// tokens, two milliseconds apart, whose number nobody bounds but the server itself. A
// control group keeps the server to that part, where there is a right to make one. It is
// measured before and behind each load, since a machine that others share does not do as
// much in one minute as in the next.
//
// When the loads are over it compares the rows of the ledger with the requests that
// were answered, and sends one batch of a thousand requests that take 100 ms each.
//
// With "nodes" it starts three servers on one Redis, which it starts itself, and one
// PostgreSQL, where it makes a database with psql:
//
//	.ci/with-services go run ./bench/overload -only nodes
//
// They share a limit of a tenant, of which three times as much is asked, while there
// is a Redis, while there is none, and when there is one again that has forgotten
// everything; and then a hard budget, in front of 100,000 requests.
package main
