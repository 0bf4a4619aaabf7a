package http

import "example.com/parley/messages"

// Status is the HTTP status of a failure, for listeners beside this one.
func Status(f *messages.Failure) int { return appearanceOf(f).status }
