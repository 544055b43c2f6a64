//go:build !linux

package sandbox

import (
	"errors"
	"syscall"
	"time"
)

// Enter does nothing here: the platform has no way for a process to give up
// the network, and does not hold limits of memory. The error says so.
func Enter(int64) (Protections, error) {
	return Protections{}, errors.New("this platform cannot restrict a process; documents are read in a process apart, with limits of time only")
}

// AllowCPU does nothing here; time is limited by the clock.
func AllowCPU(time.Duration) error { return nil }

// Attributes returns how a process is to be started that will call Enter.
func Attributes() *syscall.SysProcAttr { return nil }

// ExceededCPU is a signal that never comes.
const ExceededCPU = syscall.SIGTERM
