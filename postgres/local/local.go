// Package local runs a private PostgreSQL inside Cairn's data directory, so
// that trying Cairn out needs no database set-up.
//
// The server listens on a Unix socket only, in a folder that nobody but its
// owner can enter, and asks the kernel who connects (peer authentication).
// When Cairn runs as root, PostgreSQL runs as an unprivileged system user.
// The server belongs to one Cairn process: a lock keeps a second one out, the
// server is started again when it dies, and it stops when Cairn does.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Errors that Start wraps; the wrapping text says what to do.
var (
	ErrInUse      = errors.New("the data directory is in use")
	ErrVersion    = errors.New("the data directory was written by another version of PostgreSQL")
	ErrNoBinaries = errors.New("no suitable PostgreSQL was found")
)

const (
	adminRole = "postgres" // superuser: makes the database and the extension, nothing else
	loginRole = "cairn"    // owner of the database, no superuser
	database  = "cairn"
	port      = "5432" // only part of the socket's name
)

// Config says where the private server lives and what it runs.
type Config struct {
	// DataDir is Cairn's data directory, made when missing. The database
	// lies in its folder "postgres".
	DataDir string
	// BinDir holds initdb and postgres (CAIRN_POSTGRES_BIN). Empty: the
	// bundle of `make setup`, then installed versions; see Find.
	BinDir string
	// Settings are server settings that win over Cairn's defaults and over
	// postgresql.conf. May be nil.
	Settings map[string]string
	// Log receives starts, restarts and their reasons. Nil discards.
	Log *slog.Logger
}

// Server is a running private PostgreSQL. Its methods may be called
// concurrently.
type Server struct {
	log      *slog.Logger
	bin      Binaries
	owner    account
	cluster  string // the PostgreSQL data directory
	run      string // the folder of the socket
	settings map[string]string
	lock     *os.File

	up   atomic.Bool        // was ready once: from then on deaths are repaired
	end  context.CancelFunc // ends the supervision
	done chan struct{}      // closed when the server has ended for good
	err  error              // why it ended; written before done is closed, read after

	mu      sync.Mutex  // orders starts and signals
	process *os.Process // of the running postmaster, else nil
}

// Exists reports whether a data directory holds the database of a private server,
// so that Start would not make one.
func Exists(dataDir string) bool {
	major, err := clusterMajor(filepath.Join(dataDir, "postgres"))
	return major != 0 || err != nil // what cannot be read is there
}

// Start brings up the private server of cfg.DataDir and returns when it
// accepts connections, with the role and database "cairn" and the extension
// vector in place. What a killed predecessor left running is stopped first.
// The context bounds the start only: the server lives until Stop.
//
// It fails with ErrInUse when another Cairn holds the data directory, with
// ErrVersion when the data was written by another major version, and with
// ErrNoBinaries when PostgreSQL 15 with pgvector 0.8 or newer cannot be found.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("embedded PostgreSQL: %w", err)
	}
	s := &Server{
		log:      cfg.Log,
		cluster:  filepath.Join(dir, "postgres"),
		settings: cfg.Settings,
		done:     make(chan struct{}),
	}
	if err := s.start(ctx, dir, cfg.BinDir); err != nil {
		s.release()
		return nil, fmt.Errorf("embedded PostgreSQL: %w", err)
	}
	return s, nil
}

// start does the work of Start; what it leaves behind on failure, release
// takes away.
func (s *Server) start(ctx context.Context, dir, binDir string) error {
	begun := time.Now()
	if err := makeDataDir(dir); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockDir(dir); err != nil {
		return err
	}
	if s.owner, err = clusterAccount(ctx, s.cluster); err != nil {
		return err
	}
	if s.bin, err = findFor(ctx, binDir, s.cluster); err != nil {
		return err
	}
	if err := s.owner.checkAccess(dir, s.bin.Dir); err != nil {
		return err
	}
	if err := takeOver(ctx, s.cluster, s.log); err != nil {
		return err
	}
	if err := s.createCluster(ctx); err != nil {
		return err
	}
	if s.run, err = makeRunDir(dir, s.owner); err != nil {
		return err
	}
	if err := s.writeConfig(); err != nil {
		return err
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	s.end = end
	go s.supervise(life)
	if err := s.waitReady(ctx); err != nil {
		s.abort()
		return err
	}
	if err := s.prepare(ctx); err != nil {
		s.abort()
		return err
	}
	s.log.Info("embedded PostgreSQL is up", "version", s.bin.Version(), "programs", s.bin.Dir,
		"data", s.cluster, "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

// URL returns the connection string of the role and database "cairn". The role
// owns the database and may create roles, and is no superuser.
func (s *Server) URL() string { return s.url(loginRole, database) }

// AdminURL returns the connection string of the superuser, for the database
// "postgres". Only set-up, upgrades and tests need it.
func (s *Server) AdminURL() string { return s.url(adminRole, "postgres") }

// Binaries returns the PostgreSQL programs in use, for backups and doctor.
func (s *Server) Binaries() Binaries { return s.bin }

func (s *Server) url(role, db string) string { return socketURL(s.run, role, db) }

func socketURL(run, role, db string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(role),
		Path:     "/" + db,
		RawQuery: url.Values{"host": {run}, "port": {port}}.Encode(),
	}
	return u.String()
}

// Wait blocks until the server has ended for good: nil after Stop, else why it
// could not be kept running.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}

// Stop ends the server: open transactions are rolled back, everything
// committed is on disk. When ctx ends first, the server is stopped without
// writing its buffers back, which costs a recovery at the next start and loses
// nothing. Stopping twice is harmless.
func (s *Server) Stop(ctx context.Context) error {
	s.signal(syscall.SIGINT) // "fast" shutdown
	select {
	case <-s.done:
	case <-ctx.Done():
		s.log.Warn("embedded PostgreSQL is slow to stop; ending it without a checkpoint")
		s.abort()
	}
	s.release()
	return s.Wait()
}

// abort ends the server at once ("immediate" shutdown) and waits for it.
func (s *Server) abort() {
	s.signal(syscall.SIGQUIT)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		s.signal(syscall.SIGKILL)
		<-s.done
	}
}

// signal marks the server as stopping and sends sig to the postmaster, if any.
func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	if s.process != nil {
		_ = s.process.Signal(sig) // it has ended already: nothing to signal
	}
}

// release gives the run folder and the lock back, once: a second call could
// meet those of a successor.
func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return
	}
	if s.run != "" {
		_ = os.RemoveAll(s.run) // a leftover socket is replaced at the next start
	}
	_ = s.lock.Close() // gives up the lock
	s.lock = nil
}
