package main

import (
	"context"
	"fmt"
)

// rates compares how long the three take at rates that none of them minds.
func (b *bench) rates(ctx context.Context) error {
	for _, rate := range []int{500, 1000} {
		found, err := interleave(ctx, b.rig.subjects(), b.rounds, b.constant(rate, plain))
		if err != nil {
			return err
		}
		b.added(fmt.Sprintf("rate_%d", rate), found)
	}
	return nil
}

const manyUsers = 100

// users compares how long a hundred users wait who ask one question after the
// other without a pause: of a model that answers at once, so that they wait for
// each other, and of one that takes its time. The target is for the longer wait.
func (b *bench) users(ctx context.Context) error {
	worst := 0.0
	for name, kind := range map[string]request{"users_100": plain, "users_100_slow_model": slowModel} {
		found, err := interleave(ctx, b.rig.subjects(), b.rounds, b.waiting(manyUsers, kind))
		if err != nil {
			return err
		}
		worst = max(worst, b.added(name, found)["p95_ms"].Median)
	}
	b.target("users_100_p95_added_ms", below(5), worst)
	return nil
}

// added notes what was found of the three, and what the server takes longer than
// each of the others. It returns that of the upstream.
func (b *bench) added(name string, found map[string]series) map[string]spread {
	figures := make(map[string]any)
	for subject, all := range found {
		figures[subject] = all.spreads()
	}
	added := found[server].against(found[direct], difference).spreads()
	figures["server_minus_direct"] = added
	figures["server_minus_bareproxy"] = found[server].against(found[bareproxy], difference).spreads()
	b.line.Figure(name, figures)
	return added
}
