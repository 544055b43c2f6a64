package gitrepo

import (
	"os/exec"
	"syscall"
	"time"
)

// isolate makes a process the first of its group, which ends with it as a whole: git
// starts others.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}
