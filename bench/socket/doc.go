// Package socket is a client of the server's WebSockets, cheap enough for twenty
// thousand of them in a process, and a reader that pieces one response together
// over any number of connections and finds gaps and repeats in it.
package socket
