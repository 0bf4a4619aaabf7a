package main

import "context"

const busyConnections = 64 // that keep a subject at its limit

// requests compares what the three do at their limit, and what that costs.
func (b *bench) requests(ctx context.Context) error {
	found, err := interleave(ctx, b.rig.subjects(), b.rounds, b.capacity(busyConnections, plain))
	if err != nil {
		return err
	}
	toBare := b.compare("requests", found)
	// Where the load is at its limit before the bare proxy is, the throughputs
	// say less than they should: what a core could do is held to the same.
	b.target("requests_per_s_to_bareproxy", atLeast(.65), min(toBare["per_s"].Median, toBare["per_cpu_s"].Median))
	b.target("cpu_a_request_to_bareproxy", atMost(1.55), toBare["cpu_us"].Median)
	return nil
}

// streams does the same for streams, as fast as they come and as a model would
// send them. The target is for the dearer.
func (b *bench) streams(ctx context.Context) error {
	worst := 0.0
	for name, kind := range map[string]request{"streams": streamed, "streams_paced": pacedStream} {
		found, err := interleave(ctx, b.rig.subjects(), b.rounds, b.capacity(busyConnections, kind))
		if err != nil {
			return err
		}
		worst = max(worst, b.compare(name, found)["cpu_us"].Median)
	}
	b.target("cpu_a_stream_to_bareproxy", atMost(1.15), worst)
	return nil
}

// compare notes what was found of the three, and the server's figures divided
// by the bare proxy's, which it returns.
func (b *bench) compare(name string, found map[string]series) map[string]spread {
	toBare := found[server].against(found[bareproxy], ratio).spreads()
	figures := map[string]any{"server_to_bareproxy": toBare}
	for subject, all := range found {
		figures[subject] = all.spreads()
	}
	b.line.Figure(name, figures)
	return toBare
}
