package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The test binary runs itself as another process: as a Cairn that serves a
// data directory until it is killed, or as a stranger who tries to connect.
const (
	serveEnv   = "CAIRN_LOCAL_TEST_SERVE"
	connectEnv = "CAIRN_LOCAL_TEST_CONNECT"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(serveEnv) != "":
		s, err := Start(context.Background(), Config{DataDir: os.Getenv(serveEnv), BinDir: os.Getenv("CAIRN_POSTGRES_BIN")})
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(s.URL())
		select {}
	case os.Getenv(connectEnv) != "":
		_, err := pgx.Connect(context.Background(), os.Getenv(connectEnv))
		fmt.Println("result:", err)
		os.Exit(0)
	}
	code := m.Run()
	_ = os.RemoveAll(used.dir)
	os.Exit(code)
}

// dataDir returns a new data directory that the user of PostgreSQL can reach.
func dataDir(t *testing.T) string {
	t.Helper()
	_, err := Find(t.Context(), os.Getenv("CAIRN_POSTGRES_BIN"))
	if err != nil && os.Getenv("CI") != "true" {
		t.Skipf("no PostgreSQL to run: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(tempRoot(), "cairn-local-test-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// tempRoot is in memory where there is a gigabyte of it to use: a cluster is a
// thousand files, each slow to make on a disk.
func tempRoot() string {
	out, err := exec.Command("df", "-Pk", "/dev/shm").Output()
	if err != nil {
		return ""
	}
	lines := strings.Split(string(out), "\n")
	fields := strings.Fields(lines[1]) // name, size, used, available …
	if free, err := strconv.Atoi(fields[3]); err != nil || fields[0] != "tmpfs" || free < 1<<20 {
		return ""
	}
	return "/dev/shm"
}

// usedDir returns a data directory on which a server has run before: a copy,
// which is quicker than making one.
func usedDir(t *testing.T) string {
	t.Helper()
	dir := dataDir(t)
	used.once.Do(func() {
		used.dir, used.err = os.MkdirTemp(tempRoot(), "cairn-local-test-*")
		if used.err != nil {
			return
		}
		var s *Server
		s, used.err = Start(context.Background(), Config{DataDir: used.dir, BinDir: os.Getenv("CAIRN_POSTGRES_BIN")})
		if used.err == nil {
			used.err = s.Stop(context.Background())
		}
	})
	if used.err != nil {
		t.Fatal(used.err)
	}
	out, err := exec.Command("cp", "-Rp", filepath.Join(used.dir, "postgres"), dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v %s", err, out)
	}
	return dir
}

var used struct {
	once sync.Once
	dir  string
	err  error
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Config{
		DataDir: dir, BinDir: os.Getenv("CAIRN_POSTGRES_BIN"), Settings: map[string]string{
			"fsync":                      "off",
			"dynamic_shared_memory_type": "mmap", // a killed server's lies in its folder and goes with it
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// query runs a statement with one result on a connection of its own.
func query[T any](t *testing.T, url, sql string) T {
	t.Helper()
	var value T
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func postmaster(t *testing.T, s *Server) int {
	t.Helper()
	pid := pidFile(s.cluster)
	if pid == 0 {
		t.Fatal("no postmaster")
	}
	return pid
}

// alive tells whether a process runs; one that has ended and waits for its
// parent to notice does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil && strings.Contains(string(stat), ") Z ") {
		return false
	}
	return syscall.Kill(pid, 0) == nil
}

func TestFirstAndSecondStart(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	begun := time.Now()
	s := start(t, dir)
	t.Logf("first start: %v", time.Since(begun).Round(time.Millisecond))
	if got := query[string](t, s.URL(), `select current_user || ' ' || current_database()`); got != "cairn cairn" {
		t.Errorf("connected as %q; want cairn cairn", got)
	}
	if got := query[string](t, s.URL(), `
		select concat_ws(' ', rolsuper, rolcreaterole, rolcreatedb) from pg_roles where rolname = current_user`); got != "f t f" {
		t.Errorf("superuser, createrole, createdb = %q; want f t f", got)
	}
	if got := query[float64](t, s.URL(), `select '[1,2]'::vector <-> '[1,4]'::vector`); got != 2 {
		t.Errorf("distance = %v; want 2", got)
	}
	for setting, want := range map[string]string{
		"server_encoding": "UTF8", "data_checksums": "on", "listen_addresses": "", "max_connections": "60",
		"shared_buffers": "512MB", "timezone": "UTC", "unix_socket_permissions": "0700",
	} {
		if got := query[string](t, s.URL(), `show `+setting); got != want {
			t.Errorf("%s = %q; want %q", setting, got, want)
		}
	}
	if got := query[string](t, s.URL(), `select lower('ÄÖ')`); got != "äö" {
		t.Errorf("lower('ÄÖ') = %q", got)
	}
	execute(t, s.URL(), `create table kept as select 'still here' as t`)
	stop(t, s)
	if err := s.Wait(); err != nil {
		t.Errorf("Wait after Stop: %v", err)
	}

	begun = time.Now()
	s = start(t, dir)
	t.Logf("second start: %v", time.Since(begun).Round(time.Millisecond))
	if got := query[string](t, s.URL(), `select t from kept`); got != "still here" {
		t.Errorf("after the second start: %q", got)
	}
}

func execute(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestOperatorsSettingsWinOverDefaults(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	s := start(t, dir)
	stop(t, s)
	conf := filepath.Join(s.cluster, "postgresql.conf")
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "max_connections = 33\nlisten_addresses = '*'\n"...)
	if err := os.WriteFile(conf, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir)
	if got := query[string](t, s.URL(), `show max_connections`); got != "33" {
		t.Errorf("max_connections = %s; want the operator's 33", got)
	}
	if got := query[string](t, s.URL(), `show listen_addresses`); got != "" {
		t.Errorf("listen_addresses = %q; want none, whatever a file says", got)
	}
}

func TestSecondCairnIsRefused(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	s := start(t, dir)
	_, err := Start(t.Context(), Config{DataDir: dir, BinDir: s.bin.Dir})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("second start: %v; want ErrInUse and the process %d", err, os.Getpid())
	}
	query[int](t, s.URL(), `select 1`) // the first one is unharmed
}

func TestOwnSessionAndCleanEnvironment(t *testing.T) {
	t.Parallel()
	s := start(t, usedDir(t))
	pid := postmaster(t, s)
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("process group %d, %v; want its own, %d, so that Ctrl-C does not reach it", group, err, pid)
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	for _, variable := range strings.Split(strings.TrimRight(string(environ), "\x00"), "\x00") {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case name == "PATH", name == "LC_ALL", strings.HasPrefix(name, "PG"): // PG…: set by postgres itself
		default:
			t.Errorf("PostgreSQL got %s from Cairn's environment", name)
		}
	}
}

func TestLongPathGetsAShortRunFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), strings.Repeat("long", 20))
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	info, err := os.Stat(s.run)
	if err != nil || info.Mode().Perm() != 0o700 || len(s.run) > maxRunDir {
		t.Errorf("run folder %s: %v, %v; want a short one of mode 0700", s.run, info, err)
	}
	query[int](t, s.URL(), `select 1`)
	stop(t, s)
	if _, err := os.Stat(s.run); err == nil {
		t.Errorf("%s is left behind", s.run)
	}
}

func TestLeftoversOfAKilledFirstStart(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	partial := filepath.Join(dir, "postgres.partial-killed")
	if err := os.MkdirAll(filepath.Join(partial, "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
	if _, err := os.Stat(partial); err == nil {
		t.Errorf("%s is left behind", partial)
	}
}

// serveElsewhere runs a Cairn on dir in a process of its own and returns that
// process and the server's address.
func serveElsewhere(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("the other Cairn: %s %v", line, err)
	}
	return cmd, strings.TrimSpace(line)
}

func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for begun := time.Now(); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
