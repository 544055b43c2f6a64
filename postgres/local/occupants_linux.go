package local

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent has the kernel shut the postmaster down ("fast") when the
// thread that started it ends, thus also when Cairn is killed.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }

// occupants returns the postmaster on cluster (0: none) and its other
// processes. PostgreSQL works inside its data directory, so those are the
// processes of a program "postgres" whose working directory it is.
func occupants(cluster string) (postmaster int, others []int) {
	dir, err := os.Stat(cluster)
	if err != nil {
		return 0, nil
	}
	found := map[int]bool{}
	cwds, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is valid
	for _, cwd := range cwds {
		at, err := os.Stat(cwd)
		if err != nil || !os.SameFile(at, dir) {
			continue
		}
		exe, err := os.Readlink(filepath.Join(filepath.Dir(cwd), "exe"))
		if err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != "postgres" {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(cwd)))
		if err == nil {
			found[pid] = true
		}
	}
	for pid := range found {
		if found[parent(pid)] {
			others = append(others, pid)
			continue
		}
		// A postmaster, or a child whose postmaster is dead.
		if pid == pidFile(cluster) {
			postmaster = pid
		} else {
			others = append(others, pid)
		}
	}
	return postmaster, others
}

// parent returns the parent of a process, 0 when it is gone.
func parent(pid int) int {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// pid (name) state parent …; the name may hold anything, a ")" too.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1]) // written by the kernel
	return ppid
}
