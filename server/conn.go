package server

import (
	"context"
	"net"
)

type connKey struct{}

// withConn lets requests find the connection that they came over.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request, nil where the server is not the one that
// accepted it.
func connOf(ctx context.Context) net.Conn {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	return c
}

// sever ends a connection at once. What was sent and has not reached the other side is
// dropped, which an ordinary end would still deliver.
func sever(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
