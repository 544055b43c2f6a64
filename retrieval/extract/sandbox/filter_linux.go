package sandbox

import "golang.org/x/sys/unix"

// Positions in what a filter sees of a system call: its number, the
// architecture, and the lower half of the first argument.
const (
	atNumber       = 0
	atArchitecture = 4
	atArgument     = 16
)

// program returns the filter in the form of a classic BPF program: calls that
// reach the network, other processes or the kernel's innards fail with EPERM,
// all others pass. It is empty on architectures whose numbers are not known.
func program() []unix.SockFilter {
	if architecture == 0 {
		return nil
	}
	const (
		load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		atLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		hasBits = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		give    = unix.BPF_RET | unix.BPF_K
		deny    = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		absent  = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	)
	p := []unix.SockFilter{
		{Code: load, K: atArchitecture},
		{Code: equal, K: architecture, Jt: 1},
		{Code: give, K: unix.SECCOMP_RET_KILL_PROCESS}, // numbers mean other calls there
		{Code: load, K: atNumber},
		{Code: atLeast, K: 0x40000000, Jf: 1}, // the x32 numbers of amd64
		{Code: give, K: deny},
		{Code: equal, K: unix.SYS_CLONE3, Jf: 1}, // its flags cannot be seen: callers fall back to clone
		{Code: give, K: absent},
	}
	for _, number := range append(denied, deniedHere...) {
		p = append(p,
			unix.SockFilter{Code: equal, K: uint32(number), Jf: 1},
			unix.SockFilter{Code: give, K: deny})
	}
	return append(p,
		unix.SockFilter{Code: equal, K: unix.SYS_CLONE, Jf: 3},
		unix.SockFilter{Code: load, K: atArgument},
		unix.SockFilter{Code: hasBits, K: unix.CLONE_THREAD, Jt: 1}, // threads may be made, processes not
		unix.SockFilter{Code: give, K: deny},
		unix.SockFilter{Code: give, K: unix.SECCOMP_RET_ALLOW})
}

// denied are the calls that no parser of documents makes. io_uring is among
// them because it makes sockets without the call socket.
var denied = []int{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_IO_URING_SETUP, unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV,
	unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_KILL, unix.SYS_TKILL,
	unix.SYS_RT_SIGQUEUEINFO, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_CHROOT, unix.SYS_PIVOT_ROOT, unix.SYS_UNSHARE,
	unix.SYS_SETNS, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY,
	unix.SYS_REQUEST_KEY, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_KEXEC_LOAD,
}
