package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/cairnhq/cairn/postgres/postgrestest"
)

// asCairn makes the test binary behave as the program itself.
const asCairn = "CAIRN_TEST_AS_PROGRAM"

// TestMain lets the test binary stand in for cairn: as the child process that
// reads documents, and as a server that tests can kill.
func TestMain(m *testing.M) {
	if os.Getenv(asCairn) != "" || len(os.Args) > 1 && os.Args[1] == extractCommand {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) //nolint:gocritic // exitAfterDefer: nothing is left to undo
	}
	postgrestest.Main(m)
}
