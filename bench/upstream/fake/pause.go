package fake

import "time"

// lookEvery is how often a pause looks whether the client is still there.
const lookEvery = 10 * time.Millisecond

// pause waits for d, and tells whether it is worth going on: not when the client
// has left or the server closes. A negative d is for ever.
func (s *Server) pause(c *conn, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(step(d))
	defer timer.Stop()
	for until := time.Now().Add(d); ; {
		select {
		case <-s.closing:
			return false
		case <-timer.C:
		}
		left := time.Until(until)
		if d > 0 && left <= 0 {
			return true
		}
		if c.gone() {
			return false
		}
		if d < 0 {
			left = lookEvery
		}
		timer.Reset(step(left))
	}
}

func step(d time.Duration) time.Duration {
	if d < 0 {
		return lookEvery
	}
	return min(d, lookEvery)
}
