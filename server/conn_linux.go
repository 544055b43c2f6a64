package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsent returns how many bytes of what was written to a connection have not reached
// the other side; not ok when the system does not tell.
func unsent(c net.Conn) (n int, ok bool) {
	tcp, is := c.(*net.TCPConn)
	if !is {
		return 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, false
	}
	if raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }) != nil || err != nil {
		return 0, false
	}
	return n, true
}
