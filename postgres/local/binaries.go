package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strconv"
	"strings"
)

const (
	minMajor      = 15    // oldest PostgreSQL that Cairn runs on
	minVector     = "0.8" // oldest pgvector
	rootCacheDir  = "/var/cache"
	bundlePattern = "cairn/postgresql-*/bin" // below a cache folder; made by scripts/setup
)

// Binaries is a set of PostgreSQL programs that belong together.
type Binaries struct {
	Dir          string // of initdb, postgres and, in most, pg_dump
	Major, Minor int    // of PostgreSQL
	Vector       string // version of the pgvector beside it, as in "0.8.5"
}

// Version returns the version of PostgreSQL, as in "18.4".
func (b Binaries) Version() string { return fmt.Sprintf("%d.%d", b.Major, b.Minor) }

func (b Binaries) program(name string) string { return filepath.Join(b.Dir, name) }

// Find returns the programs to run a private PostgreSQL with: those in binDir
// when it is not empty, else the newest bundle that `make setup` keeps in the
// user's cache folder or in /var/cache, else the newest installed version.
// PostgreSQL must be 15 or newer and have pgvector 0.8 or newer beside it.
// The error wraps ErrNoBinaries and says what was looked at.
func Find(ctx context.Context, binDir string) (Binaries, error) {
	return find(ctx, binDir, 0)
}

// findFor is Find for a cluster that may exist: its data can only be read by
// the major version that wrote it.
func findFor(ctx context.Context, binDir, cluster string) (Binaries, error) {
	major, err := clusterMajor(cluster)
	if err != nil {
		return Binaries{}, err
	}
	bin, err := find(ctx, binDir, major)
	if major == 0 || !errors.Is(err, ErrNoBinaries) {
		return bin, err
	}
	other, findErr := find(ctx, binDir, 0)
	if findErr != nil {
		return Binaries{}, err
	}
	return Binaries{}, fmt.Errorf("%w: %s holds data of PostgreSQL %d, but the programs in %s are %s. "+
		"Either install PostgreSQL %d with pgvector and name its folder in CAIRN_POSTGRES_BIN, or bring the data "+
		"over: dump it with PostgreSQL %d (pg_dump), move the folder away, start Cairn once and load the dump "+
		"(psql); pg_upgrade does the same in place",
		ErrVersion, cluster, major, other.Dir, other.Version(), major, major)
}

// find returns the first suitable candidate, of the given major version
// unless that is 0.
func find(ctx context.Context, binDir string, major int) (Binaries, error) {
	candidates := []string{binDir}
	if binDir == "" {
		candidates = candidateDirs()
	}
	var reasons []string
	for _, dir := range candidates {
		bin, err := inspect(ctx, dir)
		if err == nil && major != 0 && bin.Major != major {
			err = fmt.Errorf("is PostgreSQL %d, not %d", bin.Major, major)
		}
		if err == nil {
			return bin, nil
		}
		if ctx.Err() != nil {
			return Binaries{}, ctx.Err()
		}
		reasons = append(reasons, fmt.Sprintf("%s %v", dir, err))
	}
	if reasons == nil {
		reasons = []string{"nothing is installed"}
	}
	return Binaries{}, fmt.Errorf("%w: Cairn needs PostgreSQL %d with pgvector %s or newer (%s). Run `make setup`, "+
		"name a folder of programs in CAIRN_POSTGRES_BIN, or a server in CAIRN_DATABASE_URL",
		ErrNoBinaries, minMajor, minVector, strings.Join(reasons, "; "))
}

// candidateDirs lists existing folders of programs, the preferred first.
func candidateDirs() []string {
	var caches []string
	if os.Geteuid() != 0 { // root does not trust what lies in a home folder
		if dir, err := os.UserCacheDir(); err == nil {
			caches = append(caches, dir)
		}
	}
	caches = append(caches, rootCacheDir)

	var dirs []string
	for _, cache := range caches {
		dirs = append(dirs, newest(filepath.Join(cache, bundlePattern))...)
	}
	var installed []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                   // Red Hat
		"/opt/homebrew/opt/postgresql@*/bin", // macOS
		"/usr/local/opt/postgresql@*/bin",
	} {
		installed = append(installed, newest(pattern)...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		installed = append(installed, filepath.Dir(path))
	}
	return resolved(append(dirs, installed...))
}

// newest expands pattern, the highest version number first.
func newest(pattern string) []string {
	dirs, _ := filepath.Glob(pattern) // the patterns are constant and valid
	sort.SliceStable(dirs, func(i, j int) bool { return versionLess(digits(dirs[j]), digits(dirs[i])) })
	return dirs
}

// resolved follows symbolic links, because PostgreSQL finds its libraries
// relative to where its programs really lie, and drops repetitions.
func resolved(dirs []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || seen[real] {
			continue
		}
		seen[real] = true
		out = append(out, real)
	}
	return out
}

var (
	numbers       = regexp.MustCompile(`\d+`)
	serverVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)\.?(\d*)`)
	vectorVersion = regexp.MustCompile(`default_version\s*=\s*'([^']+)'`)
)

// inspect reads the versions of the programs in dir.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Binaries{}, err
	}
	bin := Binaries{Dir: dir}
	if _, err := os.Stat(bin.program("initdb")); err != nil {
		return Binaries{}, errors.New("has no initdb")
	}
	out, err := exec.CommandContext(ctx, bin.program("postgres"), "--version").CombinedOutput()
	if err != nil {
		return Binaries{}, fmt.Errorf("does not run: %w %s", err, firstLine(out))
	}
	m := serverVersion.FindSubmatch(out)
	if m == nil {
		return Binaries{}, fmt.Errorf("has an unknown version %q", firstLine(out))
	}
	bin.Major, _ = strconv.Atoi(string(m[1])) // digits only
	bin.Minor, _ = strconv.Atoi(string(m[2])) // digits or nothing, as in "19beta1"
	if bin.Major < minMajor {
		return Binaries{}, fmt.Errorf("is PostgreSQL %d", bin.Major)
	}
	bin.Vector = vectorBeside(ctx, bin)
	if bin.Vector == "" {
		return Binaries{}, fmt.Errorf("is PostgreSQL %d without pgvector", bin.Major)
	}
	if versionLess(digits(bin.Vector), digits(minVector)) {
		return Binaries{}, fmt.Errorf("has pgvector %s", bin.Vector)
	}
	return bin, nil
}

// vectorBeside returns the version of the pgvector that bin would load, "" for
// none.
func vectorBeside(ctx context.Context, bin Binaries) string {
	shares := []string{
		filepath.Join(bin.Dir, "../share"),
		filepath.Join(bin.Dir, "../share/postgresql"),
		"/usr/share/postgresql/" + strconv.Itoa(bin.Major),
	}
	if out, err := exec.CommandContext(ctx, bin.program("pg_config"), "--sharedir").Output(); err == nil {
		shares = append([]string{strings.TrimSpace(string(out))}, shares...)
	}
	for _, share := range shares {
		control, err := os.ReadFile(filepath.Join(share, "extension", "vector.control"))
		if err != nil {
			continue
		}
		if m := vectorVersion.FindSubmatch(control); m != nil {
			return string(m[1])
		}
	}
	return ""
}

// digits returns the numbers in s, as in "postgresql-18.4" → 18, 4.
func digits(s string) []int {
	var out []int
	for _, n := range numbers.FindAllString(s, -1) {
		v, _ := strconv.Atoi(n) // too large counts as 0
		out = append(out, v)
	}
	return out
}

// versionLess compares number by number; a missing number is the lowest.
func versionLess(a, b []int) bool {
	for i := range b {
		if i >= len(a) {
			return true
		}
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

func firstLine(out []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

// defaultLocale is what `initdb` gets before PostgreSQL 17, which brings its
// own C.UTF-8; elsewhere the name is not sure to exist.
func defaultLocale() string {
	if runtime.GOOS == "linux" {
		return "C.UTF-8"
	}
	return "C"
}
