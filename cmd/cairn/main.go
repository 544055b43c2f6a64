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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
