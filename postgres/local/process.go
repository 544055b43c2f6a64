package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	maxRestarts  = 6               // in a row, before the server is given up
	healthyAfter = time.Minute     // a server that ran this long starts a new row
	maxBackoff   = 5 * time.Second // between two restarts
)

// supervise runs the postmaster until ctx ends, and again when it dies.
//
// It keeps its operating system thread to itself: on Linux the signal that
// ends PostgreSQL when Cairn is killed is tied to the thread that started it,
// not to the process.
func (s *Server) supervise(ctx context.Context) {
	runtime.LockOSThread()
	defer close(s.done)
	for restarts := 0; ; restarts++ {
		begun := time.Now()
		err := s.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(begun) > healthyAfter {
			restarts = 0
		}
		if !s.up.Load() || restarts >= maxRestarts {
			s.giveUp(err)
			return
		}
		wait := min(50*time.Millisecond<<restarts, maxBackoff)
		s.log.Warn("embedded PostgreSQL ended, starting it again", "reason", err, "in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		if err := takeOver(ctx, s.cluster, s.log); err != nil {
			s.log.Warn("embedded PostgreSQL left processes behind", "reason", err)
		}
	}
}

// runOnce starts the postmaster and waits for its end. Its error is never nil.
func (s *Server) runOnce(ctx context.Context) error {
	out, err := s.openStartLog()
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // the child has its own descriptor
	// The end of ctx must not kill it: Stop tells it how to end.
	cmd := s.owner.command(context.WithoutCancel(ctx), s.bin.program("postgres"), s.arguments()...)
	// A session of its own: Ctrl-C in the terminal reaches Cairn, which then
	// stops PostgreSQL after its last statement.
	cmd.SysProcAttr.Setsid = true
	dieWithParent(cmd.SysProcAttr)
	cmd.Stdout, cmd.Stderr = out, out

	s.mu.Lock()
	if ctx.Err() != nil {
		s.mu.Unlock()
		return ctx.Err()
	}
	if err := cmd.Start(); err != nil {
		s.mu.Unlock()
		return fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	s.process = cmd.Process
	s.mu.Unlock()

	err = cmd.Wait()
	s.mu.Lock()
	s.process = nil
	s.mu.Unlock()
	if err == nil {
		return errors.New("it shut down though nobody of Cairn asked it to")
	}
	return err
}

// arguments are the postmaster's. What keeps others out stands here and not
// in a file, because the command line wins.
func (s *Server) arguments() []string {
	args := []string{
		"-D", s.cluster, "-p", port, "-k", s.run,
		"-c", "listen_addresses=",
		"-c", "unix_socket_permissions=0700",
		"-c", "unix_socket_group=",
		"-c", "hba_file=" + filepath.Join(s.cluster, "pg_hba.conf"),
		"-c", "ident_file=" + filepath.Join(s.cluster, "pg_ident.conf"),
	}
	names := make([]string, 0, len(s.settings))
	for name := range s.settings {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		args = append(args, "-c", name+"="+s.settings[name])
	}
	return args
}

// giveUp records why the server is not coming back.
func (s *Server) giveUp(err error) {
	s.err = fmt.Errorf("embedded PostgreSQL in %s ended: %w\n%s", s.cluster, err, s.logTail())
}

// waitReady returns once the server accepts connections. After a crash that
// includes the recovery, which may take minutes; it is said in the log.
func (s *Server) waitReady(ctx context.Context) error {
	report := time.NewTicker(10 * time.Second)
	defer report.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.AdminURL())
		if err == nil {
			s.up.Store(true)
			return conn.Close(ctx)
		}
		select {
		case <-s.done:
			return s.err
		case <-ctx.Done():
			return fmt.Errorf("not ready in time: %w: %w\n%s", context.Cause(ctx), err, s.logTail())
		case <-report.C:
			s.log.Info("embedded PostgreSQL is still starting, probably recovering after a crash", "reason", err)
		case <-time.After(15 * time.Millisecond):
		}
	}
}
