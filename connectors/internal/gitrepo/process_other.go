//go:build !linux

package gitrepo

import (
	"os/exec"
	"time"
)

// isolate lets a process be ended alone.
func isolate(cmd *exec.Cmd) { cmd.WaitDelay = 5 * time.Second }
