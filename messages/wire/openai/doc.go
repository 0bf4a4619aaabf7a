// Package openai reads and writes OpenAI's formats: chat completions in both
// roles, Responses and Conversations as a server, lists of models, and errors.
package openai
