package program

// Layout says which cores the processes of a run may use; none means any.
type Layout struct {
	Server []int `json:"server"`
	Others []int `json:"load_and_upstream"`
}

// LayoutOf gives the server a core to itself, where there is more than one.
func LayoutOf(cores []int) Layout {
	if len(cores) < 2 {
		return Layout{Server: cores, Others: cores}
	}
	return Layout{Server: cores[:1], Others: cores[1:]}
}
