package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/cairnhq/cairn/postgres/postgrestest"
	"github.com/cairnhq/cairn/server/auth/oidc/oidctest"
)

// asCairn makes the test binary behave as the program itself.
const asCairn = "CAIRN_TEST_AS_PROGRAM"

// TestMain lets the test binary stand in for cairn: as the child process that
// reads documents, and as a server that tests can kill; and for an issuer.
func TestMain(m *testing.M) {
	oidctest.ServeIfChild()
	keyring.MockInitWithError(errNoKeychain) // no test touches the keyring of who runs it
	if os.Getenv(asCairn) != "" || len(os.Args) > 1 && os.Args[1] == extractCommand {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) //nolint:gocritic // exitAfterDefer: nothing is left to undo
	}
	// Tests that may run beside others wait for servers most of the time.
	if err := flag.Set("test.parallel", "3"); err != nil {
		panic(err)
	}
	postgrestest.Main(m)
}
