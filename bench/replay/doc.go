// Command replay asks a running server real questions, ends it with kill -9 while they
// are answered, and then reads everything again: what was acknowledged has to
// be there, once, in order, and word for word.
//
//	go run ./bench/replay -questions FILE [-column query] [-concurrency 64] [-kills 2] [-seed N] [-store sqlite|postgres://...]
//
// FILE has a line a question, in columns that tabs separate, under a header. A
// file of a few hundred is in this folder and used when none is named.
//
// The program builds the server and starts it together with a fake of OpenAI's
// and Anthropic's servers. Questions become conversations of one to eight turns,
// held in three ways: as responses in a conversation, as a chain of responses,
// and as chat completions in a conversation. Half of them are streamed. A client
// whose connection is lost asks again under the same idempotency key once the
// server is back, as an SDK would.
//
// What it finds it prints as one line of JSON, explained in bench/README.md. It
// ends with status 1 when anything was lost, different or there twice.
package main
