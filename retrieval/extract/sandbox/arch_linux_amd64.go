package sandbox

import "golang.org/x/sys/unix"

const architecture = unix.AUDIT_ARCH_X86_64

var deniedHere = []int{unix.SYS_FORK, unix.SYS_VFORK}
