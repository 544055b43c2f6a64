package local

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestKilledPostmasterIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, usedDir(t))
	execute(t, s.URL(), `create table kept as select 1 as n`)
	old := postmaster(t, s)
	idle, err := pgx.Connect(t.Context(), s.URL()) // a child that outlives its parent for a moment
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idle.Close(context.Background()) }()
	if err := syscall.Kill(old, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	within(t, 20*time.Second, "a new server", func() bool {
		conn, err := pgx.Connect(t.Context(), s.URL())
		if err != nil {
			return false
		}
		_ = conn.Close(context.Background())
		return true
	})
	t.Logf("back after %v", time.Since(begun).Round(time.Millisecond))
	if got := query[int](t, s.URL(), `select n from kept`); got != 1 {
		t.Errorf("kept = %d; want 1", got)
	}
	if now := postmaster(t, s); now == old {
		t.Error("the postmaster is the killed one")
	}
}

func TestKilledCairnIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	other, url := serveElsewhere(t, dir)
	execute(t, url, `create table kept as select 1 as n`)
	old := pidFile(filepath.Join(dir, "postgres"))
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // the lock is free once the process is gone
	s := start(t, dir)
	if got := query[int](t, s.URL(), `select n from kept`); got != 1 {
		t.Errorf("kept = %d; want 1", got)
	}
	if old == postmaster(t, s) || alive(old) {
		t.Errorf("the postmaster %d of the killed Cairn still runs", old)
	}
}

func TestPostgresEndsWithAKilledCairn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ties a process to its parent; elsewhere the next start ends it")
	}
	t.Parallel()
	dir := usedDir(t)
	other, _ := serveElsewhere(t, dir)
	old := pidFile(filepath.Join(dir, "postgres"))
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	within(t, 15*time.Second, "the end of PostgreSQL", func() bool { return !alive(old) })
}

// A postmaster that nothing ties to its parent, as on macOS.
func TestOrphanIsStopped(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	s := start(t, dir)
	stop(t, s)
	run, err := makeRunDir(dir, s.owner)
	if err != nil {
		t.Fatal(err)
	}
	s.run = run
	orphan := s.owner.command(context.Background(), s.bin.program("postgres"), s.arguments()...)
	if err := orphan.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = orphan.Wait(); close(ended) }()
	within(t, 15*time.Second, "the orphan's start", func() bool { return pidFile(s.cluster) == orphan.Process.Pid })

	again := start(t, dir)
	query[int](t, again.URL(), `select 1`)
	select {
	case <-ended:
	case <-time.After(15 * time.Second):
		t.Error("the orphan still runs")
	}
}

// After a reboot the number in postmaster.pid may be anybody's.
func TestStalePidFileOfAStranger(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	s := start(t, dir)
	stop(t, s)
	stranger := s.owner.command(context.Background(), "/bin/sleep", "60")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Process.Kill(); _ = stranger.Wait() }()
	text := strconv.Itoa(stranger.Process.Pid) + "\n" + s.cluster + "\n1700000000\n5432\n" + s.run + "\n\n  5432001 0\nready\n"
	if err := os.WriteFile(filepath.Join(s.cluster, "postmaster.pid"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	again := start(t, dir)
	query[int](t, again.URL(), `select 1`)
	if !alive(stranger.Process.Pid) {
		t.Error("a process that is no PostgreSQL was ended")
	}
}

func TestGivesUpWithTheReason(t *testing.T) {
	t.Parallel()
	s := start(t, usedDir(t))
	// Beyond repair: without this file no postmaster comes up.
	if err := os.Remove(filepath.Join(s.cluster, "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(postmaster(t, s), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Wait() }()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "pg_control") {
			t.Errorf("Wait: %v; want the reason from PostgreSQL's log", err)
		}
		s.err = nil // expected; the clean-up's Stop must not report it
	case <-time.After(60 * time.Second):
		t.Error("it still tries")
	}
}

func TestCancelledStartLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 12*time.Millisecond)
	defer cancel()
	if s, err := Start(ctx, Config{DataDir: dir, BinDir: os.Getenv("CAIRN_POSTGRES_BIN")}); err == nil {
		stop(t, s)
		t.Skip("this machine starts PostgreSQL within 12 ms")
	}
	if main, others := occupants(filepath.Join(dir, "postgres")); main != 0 || len(others) != 0 {
		t.Errorf("still running: %d %v", main, others)
	}
	start(t, dir)
}

// strangerConnects tries to connect as nobody and returns what came of it.
func strangerConnects(t *testing.T, url string) string {
	t.Helper()
	// The test binary lies in a folder that nobody cannot enter.
	program := filepath.Join(t.TempDir(), "stranger")
	if err := exec.Command("cp", os.Args[0], program).Run(); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(program); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode()&0o001 == 0 {
			if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = []string{connectEnv + "=" + url}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	return string(out)
}

func TestOtherUsersCannotConnect(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	t.Parallel()
	dir := usedDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	if got := strangerConnects(t, s.URL()); !strings.Contains(got, "permission denied") {
		t.Errorf("nobody, folder closed: %s; want permission denied", got)
	}
	// The second lock: even with the folder open, the kernel says who it is.
	for _, path := range []string{s.run, filepath.Join(s.run, ".s.PGSQL.5432")} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, url := range []string{s.URL(), s.AdminURL()} {
		if got := strangerConnects(t, url); !strings.Contains(got, "authentication failed") {
			t.Errorf("nobody, folder open: %s; want authentication failed", got)
		}
	}
}
