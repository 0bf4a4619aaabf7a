package http_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	parleyhttp "example.com/parley/http"
)

// Most clients read nothing before they have sent everything, and a connection that is
// closed under them is reset: what they send is read over, with the pauses that a network
// makes in which a packet takes a while.
func TestWhatAClientStillSendsIsReadOver(t *testing.T) {
	t.Parallel()
	const window = 512 << 10
	for what, c := range map[string]struct {
		windows  int
		pause    time.Duration
		read     int // of the windows
		lingered time.Duration
	}{
		"all of it, far away":                   {windows: 8, pause: 150 * time.Millisecond, read: 8, lingered: 8*150*time.Millisecond + 200*time.Millisecond},
		"until it pauses":                       {windows: 8, pause: 201 * time.Millisecond, read: 0, lingered: 200 * time.Millisecond},
		"16 MiB at most":                        {windows: 64, pause: time.Millisecond, read: 32, lingered: 32 * time.Millisecond},
		"for two seconds, and a pause, at most": {windows: 64, pause: 150 * time.Millisecond, read: 13, lingered: 14 * 150 * time.Millisecond},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, server := net.Pipe()
				sent := make(chan int)
				go func() {
					windows := 0
					for range c.windows {
						time.Sleep(c.pause)
						if _, err := client.Write(make([]byte, window)); err != nil {
							break // the server has gone
						}
						windows++
					}
					sent <- windows
				}()
				began := time.Now()
				parleyhttp.Linger(server)
				if took := time.Since(began); took != c.lingered {
					t.Errorf("it lingered for %s, want %s", took, c.lingered)
				}
				_ = server.Close()
				if got := <-sent; got != c.read {
					t.Errorf("%d windows were read, want %d", got, c.read)
				}
				_ = client.Close()
			})
		})
	}
}
