package main

// layout says which cores each process may use; none means any.
type layout struct {
	Proxy    []int `json:"proxy"` // the one that is measured
	Upstream []int `json:"upstream"`
	Load     []int `json:"load"`
}

// layoutOf gives what is measured a core to itself, then the load, then the
// upstream. On one core everything shares it, and figures say little.
func layoutOf(cores []int) layout {
	switch len(cores) {
	case 0:
		return layout{}
	case 1:
		return layout{Proxy: cores, Upstream: cores, Load: cores}
	case 2:
		return layout{Proxy: cores[:1], Upstream: cores[1:], Load: cores[1:]}
	default:
		return layout{Proxy: cores[:1], Upstream: cores[1:2], Load: cores[2:]}
	}
}
