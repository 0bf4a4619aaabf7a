// Package load asks a server as many clients do, and measures how long it
// takes. It is cheap on purpose: requests are rendered once, connections are
// plain TCP, and a reply is read no further than to know that it is whole, so
// that a core which makes load can keep another one busy.
//
// [Closed] keeps a number of connections busy: it finds out how much a server
// does. [Open] asks at a constant rate, whatever the answers do: it finds out how
// long a caller waits. Its latencies count from the moment that a request was
// due, so that a server which stalls is charged for every request that it kept
// from being sent. [Batch] asks so many requests and no more.
package load
