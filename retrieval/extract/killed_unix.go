//go:build unix

package extract

import (
	"os"
	"syscall"
)

// killed reports whether a process was ended by SIGKILL, as the kernel does
// when memory runs out.
func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
