//go:build !unix

package main

import (
	"context"
	"errors"
	"io"
)

func openBlackHole(context.Context, string) (io.Closer, error) {
	return nil, errors.New("this system has no black hole: leave it out with -only")
}
