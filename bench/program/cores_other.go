//go:build !linux

package program

import "os/exec"

// Cores returns nil: this system cannot be told which core to use.
func Cores() []int { return nil }

// PinSelf does nothing here.
func PinSelf([]int) error { return nil }

func startOn(_ []int, command *exec.Cmd) error { return command.Start() }
