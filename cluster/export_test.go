package cluster

// OnlyNodes is what a node asks of who calls it.
var OnlyNodes = onlyNodes
