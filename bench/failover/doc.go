// Command failover measures what a provider that fails costs the clients of a
// model that another provider answers as well.
//
//	go run ./bench/failover [-requests 300] [-quick] [-only refused,black_hole,...]
//
// It starts fakes of OpenAI's and Anthropic's servers, and the server with two
// providers behind each model: one that fails in one way, and a spare. Each
// way, a fault, goes through states, each of a provider of its own at the
// same address:
//
//	closed  the breaker never opens: what the first requests of an outage cost
//	open    the breaker opened, and stays so: what all others cost
//	heal    the provider is healed right after its breaker's first test failed
//
// Every second request goes to a model that only a healthy provider answers.
// What a fault adds is the difference between the two, quantile by quantile in
// every hundred requests and the median over the hundreds, less the time limit of the server that the fault runs into, if any: the limits
// are short here, and part of the figures.
//
// Some faults befall a reply of which the client has seen the beginning. It then
// has to end with an error that says so, or, where the client asks for it, with
// the words of the spare: the state called continued.
//
// What it finds it prints as one line of JSON, explained in bench/README.md. It
// ends with status 1 when a target is missed.
package main
