package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// programs makes a folder that looks like one of PostgreSQL.
func programs(t *testing.T, version, vector string) string {
	t.Helper()
	root := t.TempDir()
	bin := filepath.Join(root, "bin")
	files := map[string]string{
		"bin/initdb":   "#!/bin/sh\n",
		"bin/postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) " + version + " (Debian)'\n",
	}
	if vector != "" {
		files["share/extension/vector.control"] = "comment = 'x'\ndefault_version = '" + vector + "'\n"
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

func TestFind(t *testing.T) {
	for _, test := range []struct {
		version, vector string
		want            string // part of the error, "" for success
	}{
		{"18.4", "0.8.5", ""},
		{"15.0", "0.8.0", ""},
		{"19beta1", "0.10.0", ""},
		{"17.2", "1.0.0", ""},
		{"14.9", "0.8.0", "is PostgreSQL 14"},
		{"16.1", "0.7.4", "has pgvector 0.7.4"},
		{"16.1", "", "without pgvector"},
		{"devel", "0.8.0", "unknown version"},
	} {
		t.Run(test.version+" "+test.vector, func(t *testing.T) {
			dir := programs(t, test.version, test.vector)
			bin, err := Find(t.Context(), dir)
			if test.want == "" {
				if err != nil || bin.Dir != dir || bin.Vector != test.vector {
					t.Errorf("Find = %+v, %v", bin, err)
				}
				return
			}
			if !errors.Is(err, ErrNoBinaries) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "make setup") {
				t.Errorf("Find: %v; want %q and what to do", err, test.want)
			}
		})
	}
}

func TestFindInAnEmptyFolder(t *testing.T) {
	if _, err := Find(t.Context(), t.TempDir()); !errors.Is(err, ErrNoBinaries) {
		t.Errorf("Find: %v; want ErrNoBinaries", err)
	}
}

func TestOtherMajorVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cluster := filepath.Join(dir, "postgres")
	if err := os.MkdirAll(cluster, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cluster, "PG_VERSION"), []byte("16\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := findFor(t.Context(), programs(t, "18.4", "0.8.5"), cluster)
	if !errors.Is(err, ErrVersion) {
		t.Fatalf("findFor: %v; want ErrVersion", err)
	}
	for _, want := range []string{cluster, "PostgreSQL 16", "18.4", "pg_dump", "pg_upgrade", "CAIRN_POSTGRES_BIN"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	if _, err := findFor(t.Context(), programs(t, "16.9", "0.8.5"), cluster); err != nil {
		t.Errorf("the right version: %v", err)
	}
}

func TestVersionLess(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"0.7.4", "0.8", true}, {"0.8.0", "0.8", false}, {"0.8", "0.8", false}, {"0.10.0", "0.8", false},
		{"1", "0.8", false}, {"0", "0.8", true}, {"postgresql-9", "postgresql-18.4", true},
	} {
		if got := versionLess(digits(test.a), digits(test.b)); got != test.want {
			t.Errorf("%s < %s: %v; want %v", test.a, test.b, got, test.want)
		}
	}
}
