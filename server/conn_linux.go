package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsent returns how many bytes of what was written to a connection have not reached
// the other side, as far as that has said so; not ok when the system does not tell.
func unsent(c net.Conn) (n int, ok bool) { return queued(c, unix.SIOCOUTQ) }

// unaccepted returns how many of these have not even left, because the other side has no
// room for them: unlike what is under way they wait for as long as it likes. A machine
// that reads takes milliseconds to confirm what it has, but has room.
func unaccepted(c net.Conn) (n int, ok bool) { return queued(c, unix.SIOCOUTQNSD) }

func queued(c net.Conn, which uint) (n int, ok bool) {
	tcp, is := c.(*net.TCPConn)
	if !is {
		return 0, false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return 0, false
	}
	if raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), which) }) != nil || err != nil {
		return 0, false
	}
	return n, true
}
