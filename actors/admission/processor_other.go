//go:build !unix

package admission

import "time"

// processorTime is not known here: the limit of turns is that of the operator.
func processorTime() time.Duration { return 0 }
