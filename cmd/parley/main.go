// Command parley is an LLM chat server and gateway.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), world{
		arguments: os.Args[1:], environment: os.Environ(), out: os.Stdout, err: os.Stderr,
	}))
}
