package cluster

import "example.com/parley/messages/remote"

// A frame says one thing. These put it in.

func helloFrame(m *remote.Hello) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Hello{Hello: m}}
}

func askFrame(m *remote.Ask) *remote.Frame { return &remote.Frame{Says: &remote.Frame_Ask{Ask: m}} }

func answerFrame(m *remote.Answer) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Answer{Answer: m}}
}

func batchFrame(m *remote.Batch) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Batch{Batch: m}}
}

func creditFrame(call uint64, batches uint32) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Credit{Credit: &remote.Credit{Call: call, Batches: batches}}}
}

func goneFrame(call uint64) *remote.Frame {
	return &remote.Frame{Says: &remote.Frame_Gone{Gone: &remote.Gone{Call: call}}}
}

// pingFrame says nothing, by which it says that this node is there.
func pingFrame() *remote.Frame { return &remote.Frame{} }
