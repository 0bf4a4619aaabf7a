package messages

import "time"

// Reservation says, before an attempt is made, what it may come to cost. A
// process that dies under the attempt leaves it behind, and the next start
// settles it as [AttemptInterrupted].
type Reservation struct {
	Row       UsageRow // Usage.Input is estimated; Status and Cost are not set
	MostInput int      // tokens that the input cannot have more of
	MaxOutput int      // tokens of one choice; 0 where nobody set a limit
	Choices   int      // 0 and 1 mean one
	Deadline  time.Time
}
