package messages

import "time"

// Reservation says, before an attempt is made, what it may come to cost. A
// process that dies under the attempt leaves it behind, and the next start
// settles it as [AttemptInterrupted].
type Reservation struct {
	Row       UsageRow // Usage.Input is estimated; Status and Cost are not set
	MaxOutput int      // tokens; 0 where nobody set a limit
	Deadline  time.Time
}
