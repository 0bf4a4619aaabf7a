// Command cache measures the semantic cache from inside: a lookup takes
// microseconds, which nobody can time through a socket.
//
//	go run ./bench/cache                       on questions of the project's own
//	go run ./bench/cache -data ../evaluation   on the sets in that folder as well
//
// It answers four questions. Speed: how long a lookup takes by tier, with 1,000,
// 10,000 and 100,000 replies, 1 and 4 readers, while a writer inserts. Quality: what
// the embedders and the guards make of pairs that people judged. Replays: what a
// stream of questions with repetitions and paraphrases gets, beside a cache that
// goes by the cosine alone. Each hit of a replay that was not exact is written to
// standard error, for others to judge. Judge: whether what is served by the verdicts of
// a noisy judge stays within its bound of errors, in simulated worlds.
package main
