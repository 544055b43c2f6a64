// Command cairn is all of Cairn: the server, and the command line that speaks
// to one. This file has the entry; serve.go the wiring of the server; every
// other file is one sub-command.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(untilSignal(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// untilSignal returns a context that ends when the program is to end. The signal after
// that ends it at once: it may be reading from a person or a pipe, which nothing interrupts.
func untilSignal() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}
