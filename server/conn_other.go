//go:build !linux

package server

import "net"

func unsent(net.Conn) (n int, ok bool) { return 0, false }

func unaccepted(net.Conn) (n int, ok bool) { return 0, false }
