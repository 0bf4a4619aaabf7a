package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// A conversation is a list: writes append to it, reads return all of it. A history
// is right when there is an order of its operations that a list would have given
// these answers in, each at some moment between its call and its end (Herlihy and
// Wing 1990). A write that nobody answered may come at any time, or never.

// input and output are an operation as the checker has them.
type (
	input struct {
		write bool
		token int
	}
	output struct {
		outcome outcome
		seen    string
	}
)

var list = porcupine.NondeterministicModel{
	Init: func() []any { return []any{""} },
	Step: func(state, in, out any) []any {
		return steps(state.(string), in.(input), out.(output)) //nolint:forcetypeassert // nothing else is in a history
	},
}

// steps are the lists that an operation may leave behind. There is none where the
// list cannot have given this answer.
func steps(state string, in input, out output) []any {
	switch {
	case !in.write && state == out.seen:
		return []any{state}
	case !in.write:
		return nil
	case out.outcome == declined:
		return []any{state}
	case out.outcome == told:
		return []any{with(state, in.token)}
	default:
		return []any{state, with(state, in.token)}
	}
}

func with(state string, token int) string { return state + strconv.Itoa(token) + " " }

func listed(tokens []int) string {
	var b strings.Builder
	for _, token := range tokens {
		b.WriteString(strconv.Itoa(token) + " ")
	}
	return b.String()
}

// checkPatience is for one conversation, whose orders are many where much was not
// answered.
const checkPatience = 20 * time.Second

// isPossible tells whether a list could have given this history.
func isPossible(operations []operation) porcupine.CheckResult {
	last := time.Duration(0)
	for i := range operations {
		last = max(last, operations[i].ended)
	}
	events := make([]porcupine.Operation, 0, len(operations))
	for i := range operations {
		o := &operations[i]
		event := porcupine.Operation{
			ClientId: o.client, Input: input{o.write, o.token}, Output: output{o.outcome, listed(o.seen)},
			Call: int64(o.called), Return: int64(o.ended),
		}
		if o.write && o.outcome == unknown {
			event.Return = int64(last + time.Hour)
		}
		events = append(events, event)
	}
	return porcupine.CheckOperationsTimeout(list.ToModel(), events, checkPatience)
}
