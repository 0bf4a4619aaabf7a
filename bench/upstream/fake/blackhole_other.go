//go:build !unix

package fake

import (
	"context"
	"errors"
	"io"
)

// OpenBlackHole fails here.
func OpenBlackHole(context.Context, string) (io.Closer, error) {
	return nil, errors.New("this system has no black hole")
}
