package openai

// What a request may hold. The size of its body is bounded before it gets here;
// these bound what a small body can make of itself: an item costs some 200 bytes
// of memory where "{}" costs two on the wire.
const (
	maxMessages  = 4096 // OpenAI takes 2048; agents' histories are the longest there are
	maxParts     = 1024 // of one message
	maxToolCalls = 128  // of one message
	maxTools     = 1024 // OpenAI takes 128, others more
	maxStop      = 4    // as OpenAI
	maxChoices   = 128  // as OpenAI
	maxExtra     = 256  // members that Parley does not know

	maxTopLogprobs = 20 // as OpenAI
	maxModelName   = 256

	maxMetadata      = 16 // pairs, as OpenAI
	maxMetadataKey   = 64 // characters
	maxMetadataValue = 512
)
