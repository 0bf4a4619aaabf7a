// Package sse reads and writes server-sent events as WHATWG's HTML standard
// defines them, as far as model providers use them: names and data. Ids and
// retry times are read over and never written. OpenAI's own client takes an
// event that has an id and no data for a broken one, so that a stream with ids
// cannot have heartbeats.
package sse
