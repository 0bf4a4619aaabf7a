package sharded

// After has f called once a step of a move is done and before the next begins.
func (o *MoveOptions) After(f func(MoveStep)) { o.after = f }

// Hurry has nothing wait for those who go by an old map.
func Hurry() MoveOptions { return MoveOptions{noGrace: true} }
