// Command sessions finds out what WebSocket sessions cost, and whether a response
// survives whatever becomes of its connection: it starts a server on loopback, and
// an upstream, and connects from several addresses of the loopback network.
//
//	go run ./bench/sessions            some ten minutes
//	go run ./bench/sessions -quick     a minute, to see whether it works
//
// What is found out, each a part that -only names:
//
//	idle         connections held, made a second, and the server's memory for each, its actor included
//	stream       chunk latency at a message a second for each of 100, 1,000 and 9,000 sessions, from
//	             the upstream's write to the client's read, beside that of as many connections
//	             to the upstream itself, and memory for each session
//	messages     messages a second of one core: of streams, and of commands that are refused
//	resume       how long a response takes to go on, live and from the store, the handshake included
//	compression  bytes on the wire and processor time, of deltas and of whole messages apart
//	storm        how soon all are back when the server is killed and starts again
//	disconnects  gaps and repeats over connections that are cut anywhere
//	kills        the same over a server that is killed in the middle (kill -9), and what it had
//	             acknowledged and does not have any more
//
// Latencies are of one machine that does everything at once: the client, the server
// and the upstream share its cores. 9,000 sessions and not 10,000, since each has a
// connection to the upstream too, and a process 20,000 files.
package main
