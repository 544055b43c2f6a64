package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Enter restricts this process and every thread of it, for good. memory, in
// bytes, bounds the private writable memory that it may have. It returns what
// holds from now on; an error says what does not.
func Enter(memory int64) (Protections, error) {
	var p Protections
	// When memory runs out, the kernel should end this process and not the server.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	if err := limit(unix.RLIMIT_CORE, 0); err != nil {
		return p, err
	}
	// Not the address space: the Go runtime and the WebAssembly engine reserve
	// far more of it than they use.
	if err := limit(unix.RLIMIT_DATA, uint64(memory)); err != nil {
		return p, err
	}
	p.Memory = true
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return p, fmt.Errorf("forbid dumps: %w", err)
	}
	if err := install(program()); err != nil {
		return p, err
	}
	p.Network, p.Programs = true, true
	return p, nil
}

func limit(what int, n uint64) error {
	if err := unix.Setrlimit(what, &unix.Rlimit{Cur: n, Max: n}); err != nil {
		return fmt.Errorf("set limit %d to %d: %w", what, n, err)
	}
	return nil
}

// install makes a program the filter of system calls of all threads. The
// kernel demands of an unprivileged process that it first gives up gaining
// privileges, and then gives that up for the other threads too.
func install(filter []unix.SockFilter) error {
	if len(filter) == 0 {
		return fmt.Errorf("filter system calls: not known for %s", runtime.GOARCH)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	failed, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("filter system calls: %w", errno)
	}
	if failed != 0 {
		return fmt.Errorf("filter system calls: thread %d did not follow", failed)
	}
	return nil
}

// AllowCPU lets this process use d more of processor time. Beyond it the
// process gets SIGXCPU, once a second.
func AllowCPU(d time.Duration) error {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return fmt.Errorf("read processor time: %w", err)
	}
	spent := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CPU, &now); err != nil {
		return fmt.Errorf("read limit of processor time: %w", err)
	}
	now.Cur = min(seconds(spent+d), now.Max)
	if err := unix.Setrlimit(unix.RLIMIT_CPU, &now); err != nil {
		return fmt.Errorf("limit processor time: %w", err)
	}
	return nil
}

// Attributes returns how a process is to be started that will call Enter: it
// ends with the thread that starts it, and is in a process group of its own, so
// that signals of a terminal reach only the server.
func Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// ExceededCPU is the signal of AllowCPU.
const ExceededCPU = syscall.SIGXCPU
