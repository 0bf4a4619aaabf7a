package main

import (
	"fmt"
	"os"
	"strings"

	"example.com/parley/messages"
)

// What the data folder keeps of keys.
const (
	adminKeyFile = "admin-key"
	firstKeyFile = "first-key"
)

// secretVariable returns the secret that a variable holds, or the file that
// NAME_FILE names, or "" where neither is set.
func secretVariable(environment []string, name string) (string, error) {
	value, path := variable(environment, name), variable(environment, name+"_FILE")
	switch {
	case value != "" && path != "":
		return "", &messages.Failure{
			Code: messages.CodeInvalidKey, What: fmt.Sprintf("%s and %s_FILE are both set", name, name), Do: "keep one of the two",
		}
	case path == "":
		return value, nil
	}
	content, err := os.ReadFile(path) // #nosec G304 -- the operator names it
	if err != nil {
		return "", &messages.Failure{
			Code: messages.CodeInvalidKey, What: fmt.Sprintf("%s_FILE names %q, which cannot be read", name, path),
			Do: "name a file that holds the key", Cause: err,
		}
	}
	return strings.TrimSpace(string(content)), nil
}

// errorsAt says which variable a failure is about.
func errorsAt(variable string, err error) error {
	failure := *messages.AsFailure(err)
	failure.What = variable + ": " + failure.What
	return &failure
}
