package http

import (
	"net"
	"time"
)

// How much of a body that is too large is read before its client is refused, and
// for how long. While it still sends it pauses each time that its window is full, for
// as long as a packet takes there and back.
const (
	lingerBytes = 16 << 20
	lingerTime  = 2 * time.Second
	lingerPause = 200 * time.Millisecond
)

// Linger reads over what a client still sends of a body that will be refused. A
// connection that is closed before all of it was read is reset, and a client that
// is reset never sees why. It returns once the client pauses.
func Linger(conn net.Conn) {
	buffer := make([]byte, 32<<10)
	end := time.Now().Add(lingerTime)
	for read := 0; read < lingerBytes && time.Now().Before(end); {
		_ = conn.SetReadDeadline(time.Now().Add(lingerPause)) // one that cannot be set fails the read
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		read += n
	}
}
