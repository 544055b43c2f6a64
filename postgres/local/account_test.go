package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRootRunsItAsSystemUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root changes the user")
	}
	t.Parallel()
	s := start(t, usedDir(t))
	for _, dir := range []string{s.cluster, s.run} {
		info, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		stat := info.Sys().(*syscall.Stat_t)
		if stat.Uid == 0 || stat.Uid >= 1000 || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: owner %d, mode %v; want a system user and 0700", dir, stat.Uid, info.Mode())
		}
	}
	info, err := os.Stat(fmt.Sprintf("/proc/%d", postmaster(t, s)))
	if err == nil && info.Sys().(*syscall.Stat_t).Uid == 0 {
		t.Error("PostgreSQL runs as root")
	}
}

func TestClosedParentIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root changes the user")
	}
	t.Parallel()
	parent := dataDir(t) // mode 0700, root's
	_, err := Start(t.Context(), Config{DataDir: filepath.Join(parent, "data"), BinDir: os.Getenv("CAIRN_POSTGRES_BIN")})
	if err == nil || !strings.Contains(err.Error(), "chmod o+x "+parent) {
		t.Errorf("Start: %v; want advice about %s", err, parent)
	}
}

// The user of PostgreSQL owns the folder into which root writes. A link there
// must not lead root's hand elsewhere.
func TestConfigurationIsNotWrittenThroughLinks(t *testing.T) {
	t.Parallel()
	dir := usedDir(t)
	s := start(t, dir)
	stop(t, s)
	victim := filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pg_hba.conf", "pg_hba.conf.new", "start.log", "start.log.new"} {
		path := filepath.Join(s.cluster, name)
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, path); err != nil {
			t.Fatal(err)
		}
	}
	start(t, dir)
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious" {
		t.Errorf("the file behind the link: %q, %v", text, err)
	}
}

func TestForeignFolderIsNotTouched(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	letter := filepath.Join(dir, "postgres", "letter.txt")
	if err := os.MkdirAll(filepath.Dir(letter), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(letter, []byte("dear"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{DataDir: dir, BinDir: os.Getenv("CAIRN_POSTGRES_BIN")})
	if err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("Start: %v; want advice to move the folder away", err)
	}
	if _, err := os.Stat(letter); err != nil {
		t.Error(err)
	}
}
