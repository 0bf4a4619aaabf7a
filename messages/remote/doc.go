// Package remote mirrors, as protocol buffers, the few messages that travel
// between the nodes of a cluster: requests to conversations and their answers, Chunk with the
// TurnOutcome that ends it, and Failure. Everything else stays on its node.
//
// To functions make a mirror, From functions read one. Mirrors share the bytes
// and strings of what they were made of; neither is changed afterwards. What
// differs between nodes does not travel as it is: a deadline goes as the time
// that remains, to the millisecond, and a failure's cause stays in the log of
// the node where it happened.
package remote
