// Command cluster measures what a cluster of servers on one PostgreSQL costs, and
// what its faults cost the clients.
//
//	go run ./bench/cluster -store postgres://... [-nodes 3] [-writers 12] [-kills 3] [-freezes 1] [-replacements 1] [-seed N] [-quick]
//
// It starts the servers, each with a folder and addresses of its own, and asks a
// few conversations by way of the server that has them and by way of others: the
// difference of the medians is what the way between two nodes adds.
//
// Then writers ask, each in a conversation of its own and of one server after the
// other, one question at a time. A server that the seed chooses is killed with
// SIGKILL, frozen with SIGSTOP for 6 s, or replaced with SIGTERM, and started again
// once the others share what it had. What a writer waits from the fault to its next
// answer is its outage: like whoever balances load, it asks the others from then on.
//
// In the end every server has to tell the same history of each conversation, and
// everything that was acknowledged has to be in it, once and in order.
//
// What it finds it prints as one line of JSON, explained in bench/README.md. It
// ends with status 1 when a target is missed.
package main
