// Command cluster starts some servers that are one, on a PostgreSQL and a Redis of its
// own, has clients write to conversations through any of them, and takes parts of
// it away: nodes, the network between them, PostgreSQL, Redis. What was
// acknowledged has to be there, once, in an order that the clients' own times allow.
//
//	go run ./bench/cluster [-nodes 3] [-faults 20] [-seed N] [-only kill,freeze] [-quick] [-loopback]
//
// Every program has a network namespace of its own where the machine lets it, which
// takes root and iproute2: then the network can be taken apart as well. Elsewhere,
// and with -loopback, they run on 127.0.0.0/8, and the faults of the network are
// left out.
//
//	main.go      the command line             network.go  hosts, and what is cut between them
//	site.go      the programs                 node.go     a server that is started again
//	fault.go     what is done to them         client.go   how clients ask
//	balance.go   which nodes are asked        history.go  what clients were told
//	crew.go      clients at work
//	model.go     what histories are possible  verify.go   what was lost, doubled, forked
//	streams.go   replies that are read while they come
//	outage.go    how long nothing was written capacity.go how much nodes carry
//	drill.go     a run                        figures.go  the line
package main
