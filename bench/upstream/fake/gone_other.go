//go:build !unix

package fake

// gone is not known here before the next write.
func (c *conn) gone() bool { return false }
