package main

import (
	"bufio"
	"flag"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/creack/pty"
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
		main()
	}
	// Tests that may run beside others wait for servers most of the time.
	if err := flag.Set("test.parallel", "3"); err != nil {
		panic(err)
	}
	postgrestest.Main(m)
}

// What waits for a person who says nothing ends when it is told to twice.
func TestInterruptedTwice(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), theProgram(t), "login", "--email", "ann@example.com")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), asCairn+"=1", "HOME="+t.TempDir(), "XDG_CONFIG_HOME=", "CAIRN_URL=http://127.0.0.1:1")
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if prompt, err := bufio.NewReader(terminal).ReadString(':'); err != nil || prompt != "Password:" {
		t.Fatalf("%q, %v", prompt, err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // how does not matter
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for range 100 {
		select {
		case <-ended:
			return
		case <-again.C:
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended meanwhile
		}
	}
	t.Error("it goes on")
}
