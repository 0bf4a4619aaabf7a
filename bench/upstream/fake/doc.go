// Package fake plays OpenAI's and Anthropic's servers, fast and without a model:
//
//	POST /v1/chat/completions   as OpenAI, streamed or not
//	POST /v1/messages           as Anthropic, streamed or not
//	GET  /v1/models             as either
//
// What it says is a function of what it was asked: see [Echo]. A request that
// offers tools has one called when it must be, or when the last message of the
// user names it.
//
// How it behaves is said in the model's name, in the header x-fake, or at run
// time, and these are put together in that order, each over the one before. The
// grammar is that of terms joined by hyphens:
//
//	tokens-N      the reply has N words; without it, as many as the echo has
//	thinking-N    N words of reasoning come first
//	tools-N       N calls of the first tool, whatever the request says
//	delay-D       before the first byte: 5ms, 1.5s
//	interval-D    between two words
//	cached-N      tokens of the prompt that are billed as read from the cache
//	length        it ends because of max_tokens
//	filter        it ends because of a content filter
//
//	fault-STATUS  an error of that status, such as 500 or 529
//	retry-S       with Retry-After: S seconds
//	fault-refuse  the connection is closed without an answer
//	fault-reset   the same, with a TCP reset
//	fault-hang    no answer ever, until the client leaves
//	fault-cut     the connection is closed in the middle
//	fault-stall   silence in the middle, until the client leaves
//	fault-error   an error event in the middle of a stream
//	fault-eof     a stream that ends in the middle as if it were whole
//	fault-malformed  a line in the middle that is no JSON
//	fault-garbage a page of HTML with status 200
//	fault-endless a reply that does not end
//	fault-slowbyte  a byte at a time, with interval-D (10ms unless said) between them
//	fault-nousage a reply that reports no tokens
//	after-N       the middle is after N words; 0 unless said
//	times-N       so many malformed lines in a row; 1 unless said
//	first-N       the fault befalls the first N calls only
//	every-N       the fault befalls each Nth call only
//
// A model's name has the terms behind "fake": fake-tokens-20-delay-5ms,
// claude-fake-fault-529-retry-2-first-3. A name without "fake" behaves as the
// server's configuration says.
//
// At run time POST /fault takes {"behaviour":"fault-500","model":"gpt-4o"}, where
// no model means all, and DELETE /fault takes it back; GET /calls answers with
// [Counts] and DELETE /calls sets them to 0; POST /drop closes all connections at once,
// as a restart does.
//
// It is a tool for tests and benchmarks on one machine. It counts by the API key
// that it is shown: never show it a real one.
package fake
