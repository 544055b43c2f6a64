package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cairnhq/cairn/migrations"
	"github.com/cairnhq/cairn/postgres/local"
)

// tempPattern names the data directories of private servers.
const tempPattern = "cairn-postgrestest-*"

// settings trade durability for speed: these databases live for seconds.
var settings = map[string]string{
	"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
	"max_connections": "200", "logging_collector": "off", "wal_level": "minimal", "max_wal_senders": "0",
	"dynamic_shared_memory_type": "mmap", // the memory of a killed server goes with its folder
	"checkpoint_flush_after":     "0", "bgwriter_flush_after": "0", "max_wal_size": "256MB",
}

// openLocal starts a private server. It begins as a copy of a cluster that
// already holds the templates and is kept in the user's cache folder, which
// takes a tenth of making one.
func openLocal(ctx context.Context) (*cluster, func(), error) {
	bin, err := local.Find(ctx, os.Getenv("CAIRN_POSTGRES_BIN"))
	if err != nil {
		return nil, nil, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, nil, err
	}
	sweepTemp()
	seed := filepath.Join(cache, fmt.Sprintf("cluster-%s-%s-%s", bin.Version(), bin.Vector, migrations.Fingerprint()))
	if err := makeSeed(ctx, seed, bin.Dir); err != nil {
		return nil, nil, err
	}
	dir, err := tempDir()
	if err != nil {
		return nil, nil, err
	}
	if err := copyTree(ctx, seed, filepath.Join(dir, "postgres")); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return startLocal(ctx, dir, bin.Dir)
}

// startLocal runs a private server in dir, which stop removes.
func startLocal(ctx context.Context, dir, binDir string) (c *cluster, stop func(), err error) {
	srv, err := local.Start(ctx, local.Config{DataDir: dir, BinDir: binDir, Settings: settings})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Stop(ctx) // the data is thrown away
		_ = os.RemoveAll(dir)
	}
	c = privateCluster(srv)
	if err := c.prepare(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	return c, stop, nil
}

func privateCluster(srv *local.Server) *cluster {
	return &cluster{admin: srv.AdminURL(), owner: "cairn", strategy: "file_copy"}
}

// makeSeed makes the cluster that servers are copied from, unless it is there.
func makeSeed(ctx context.Context, seed, binDir string) error {
	unlock, err := lockFile(ctx, "seed.lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(seed); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dropOldSeeds(filepath.Dir(seed))
	dir, err := tempDir()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	srv, err := local.Start(ctx, local.Config{DataDir: dir, BinDir: binDir, Settings: settings})
	if err != nil {
		return err
	}
	c := privateCluster(srv)
	if err := errors.Join(c.prepare(ctx), srv.Stop(ctx)); err != nil {
		return err
	}
	partial := seed + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	if err := copyTree(ctx, filepath.Join(dir, "postgres"), partial); err != nil {
		return err
	}
	return os.Rename(partial, seed)
}

// dropOldSeeds removes what no test has used for a week.
func dropOldSeeds(dir string) {
	seeds, _ := filepath.Glob(filepath.Join(dir, "cluster-*")) // at worst they stay
	for _, old := range seeds {
		if info, err := os.Stat(old); err == nil && time.Since(info.ModTime()) > 7*24*time.Hour {
			_ = os.RemoveAll(old)
		}
	}
}

// copyTree copies a folder with owners and modes. cp is there on every system
// that PostgreSQL runs on, and faster than a walk.
func copyTree(ctx context.Context, from, to string) error {
	out, err := exec.CommandContext(ctx, "cp", "-Rp", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy %s: %w %s", from, err, out)
	}
	return nil
}

// tempDir makes a data directory that the user of a private server can reach.
func tempDir() (string, error) {
	dir, err := os.MkdirTemp(TempRoot(), tempPattern)
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// sweepTemp removes the data directories of test processes that were killed.
// The lock of package local tells whether one is in use.
func sweepTemp() {
	dirs, _ := filepath.Glob(filepath.Join(TempRoot(), tempPattern)) // at worst they stay
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // perhaps just being made
		}
		lock, err := os.Open(filepath.Join(dir, "postgres.lock"))
		if err != nil {
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}

// cacheDir is where servers and locks are kept between test processes.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, "cairn", "postgrestest")
	return dir, os.MkdirAll(dir, 0o700)
}

// lockFile waits for a lock that the test processes of this user share.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("waiting for %s: %w", f.Name(), ctx.Err()), f.Close())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
