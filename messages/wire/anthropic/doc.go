// Package anthropic reads and writes Anthropic's Messages format in both roles:
// as the client of a provider ([AppendRequest], [DecodeReply], [Decoder],
// [DecodeError]) and as a server ([DecodeRequest], [Stream], [Reply],
// [AppendError]). It is pure: bytes in, messages out, nothing returned aliases
// what was given. The format is that of anthropic-version 2023-06-01.
//
// What a call becomes, where the two vocabularies differ:
//
//	messages                            Anthropic
//	system and developer messages       system, joined by a blank line, wherever they stood
//	neighbours of one role              one message
//	function call, its output           tool_use, tool_result in the very next user message
//	reasoning with our Opaque           thinking or redacted_thinking, see Opaque below
//	image, data: URL                    image, base64 source
//	image, http(s) URL                  image, url source
//	max tokens, unset                   [DefaultMaxTokens], and room for thinking
//	temperature over 1                  1
//	temperature and top_p               temperature: models since Opus 4.1 refuse both at once
//	parallel tool calls: false          disable_parallel_tool_use
//	tool choice required                any
//	response format json_schema         output_config.format
//	user                                metadata.user_id
//	reasoning effort                    thinking and output_config.effort, see thinking.go
//	seed, penalties, metadata           left out: hints without a counterpart
//	n > 1, logprobs, json_object,
//	  a stop of white space, content
//	  and tools in another's format     refused with CodeUnsupported
//	members of another format's own     left out
//
// A history that was cut, or that another provider wrote, need not satisfy
// Anthropic's rules. What would be refused is mended so that a conversation is
// never stuck: a call without an output gets one that says so, an output without
// a call becomes text, two calls of one id get names of their own, and a history
// that begins with the assistant gets a line before it.
//
// Anthropic signs each block of thinking and wants it back unchanged, text and
// signature together. An item's Opaque therefore holds one record for each block
// that was joined into it: see opaque.go. Opaque that another provider wrote is
// recognised as such and left out.
package anthropic
