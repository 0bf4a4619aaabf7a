// Package openai reads and writes OpenAI's formats: chat completions as the
// client of a provider ([AppendChatRequest], [ChatDecoder], [DecodeChatReply],
// [DecodeError]) and as a server ([DecodeChatRequest], [ChatStream], [ChatReply]);
// Responses, Conversations, models and errors as a server. It is pure: bytes in,
// messages out, nothing returned aliases what was given. Errors that a client may
// see are *messages.Failure and name the field; they never quote the request.
//
// A stranger's request is read strictly: unique names, valid UTF-8, at most 64
// levels deep, each member of its kind and in its range. A provider's reply is
// read leniently: servers of this format differ, and see testdata for how.
//
// What a chat message becomes, where the two vocabularies differ:
//
//	chat                                  messages
//	assistant with reasoning_content,     reasoning, message and function calls,
//	  content and tool_calls                one after the other
//	tool                                  function call output
//	function, function_call (of 2023)     the same, with call ids of our making
//	max_tokens, max_completion_tokens     max tokens; the latter wins
//	text, image_url, refusal parts        text, image, refusal
//	other parts, tools, formats, choices  kept as they are, for providers of this format
//	members that Parley does not know     Extra, for providers of this format
//
// And what a call becomes that was not a chat request from the first, since its
// history is kept or came in another format:
//
//	messages                              chat
//	developer messages                    system: other servers know no developer
//	reasoning                             left out: providers want none of it back
//	a call without an output              an output that says so
//	an output without a call              the user's text
//	images in an output                   a user's message behind the outputs
//	max tokens                            max_completion_tokens for OpenAI's own models, else max_tokens
//	metadata                              left out: OpenAI takes it only where it stores
//	content and tools in another's format refused with CodeUnsupported
//	Extra of the Responses format         what means the same in both, else left out
//
// Reasoning is shown as reasoning_content in a chat completion, as DeepSeek and
// vLLM do, and as a summary in a response, since that is what clients show.
package openai
