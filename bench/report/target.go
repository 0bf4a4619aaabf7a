package report

import "strconv"

// Target is a figure that was to be reached.
type Target struct {
	Name string `json:"name"` // of the figure, or what it says
	Want string `json:"want"` // a comparison: ">= 0.65"
	Got  any    `json:"got"`
	OK   bool   `json:"ok"`
}

// AtLeast is a target that is reached from want on.
func AtLeast(name string, want, got float64) Target {
	return Target{Name: name, Want: ">= " + number(want), Got: got, OK: got >= want}
}

// AtMost is a target that is reached up to want.
func AtMost(name string, want, got float64) Target {
	return Target{Name: name, Want: "<= " + number(want), Got: got, OK: got <= want}
}

// Below is a target that is missed at want itself.
func Below(name string, want, got float64) Target {
	return Target{Name: name, Want: "< " + number(want), Got: got, OK: got < want}
}

// Exactly is a target without leeway, such as a count of losses.
func Exactly(name string, want, got float64) Target {
	return Target{Name: name, Want: "= " + number(want), Got: got, OK: got == want}
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
