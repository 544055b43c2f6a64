//go:build !linux

package local

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent does nothing: only Linux can tie a process to its parent. What
// a killed Cairn leaves running, the next start ends.
func dieWithParent(*syscall.SysProcAttr) {}

// occupants returns the postmaster that postmaster.pid names, if that process
// is a PostgreSQL on cluster by its command line, else 0. Its children end with
// it; PostgreSQL itself refuses to start beside them.
func occupants(cluster string) (postmaster int, others []int) {
	pid := pidFile(cluster)
	if pid == 0 {
		return 0, nil
	}
	out, err := exec.Command("ps", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return 0, nil // no such process
	}
	args := strings.Fields(string(out))
	if len(args) == 0 || !strings.HasSuffix(args[0], "postgres") || !strings.Contains(string(out), "-D "+cluster+" ") {
		return 0, nil
	}
	return pid, nil
}
