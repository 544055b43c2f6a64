package local

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	fastGrace      = 20 * time.Second // for a checkpoint
	immediateGrace = 5 * time.Second
)

// takeOver ends what a killed Cairn or a killed postmaster left running on
// cluster, and waits for it: PostgreSQL must not start beside a process that
// still writes. It signals only processes that it has recognised as a
// PostgreSQL on this very folder, so a stale postmaster.pid whose number now
// belongs to a stranger harms nobody. The caller holds the lock.
func takeOver(ctx context.Context, cluster string, log *slog.Logger) error {
	begun := time.Now()
	sent := syscall.Signal(0)
	for {
		postmaster, others := occupants(cluster)
		if postmaster == 0 && len(others) == 0 {
			return dropStalePidFile(cluster)
		}
		want := syscall.SIGINT
		switch waited := time.Since(begun); {
		case waited > fastGrace+2*immediateGrace:
			return fmt.Errorf("processes %v of an earlier start still use %s and do not end", append(others, postmaster), cluster)
		case waited > fastGrace+immediateGrace:
			want = syscall.SIGKILL
		case waited > fastGrace, postmaster == 0 && waited > immediateGrace:
			want = syscall.SIGQUIT
		}
		if want != sent {
			sent = want
			log.Info("stopping the PostgreSQL that an earlier Cairn left running", "process", postmaster, "signal", want.String())
			end(postmaster, others, want)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the PostgreSQL of an earlier start: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// end signals the postmaster, which tells its children; without one, the
// children themselves.
func end(postmaster int, others []int, sig syscall.Signal) {
	if postmaster != 0 {
		_ = syscall.Kill(postmaster, sig) // gone meanwhile: what we want
		if sig != syscall.SIGKILL {
			return
		}
	}
	for _, pid := range others {
		_ = syscall.Kill(pid, sig) // gone meanwhile: what we want
	}
}

// dropStalePidFile removes a postmaster.pid that nobody stands behind although
// its process number is taken, as after a reboot: PostgreSQL would take the
// stranger for itself. A number that is free, PostgreSQL handles.
func dropStalePidFile(cluster string) error {
	pid := pidFile(cluster)
	taken := pid != 0 && syscall.Kill(pid, 0) == nil
	if !taken {
		return nil
	}
	return os.Remove(filepath.Join(cluster, "postmaster.pid"))
}

// pidFile returns the process that postmaster.pid names, 0 for none.
func pidFile(cluster string) int {
	text, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(line) // 0: not a number
	return max(pid, 0)
}
