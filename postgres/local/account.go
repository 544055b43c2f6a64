package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is the operating system user that PostgreSQL runs as.
type account struct {
	uid, gid int
	name     string
	change   bool // Cairn is root and PostgreSQL, which refuses root, is not
}

// systemUsers are tried in this order; one that belongs to a person is passed
// over, because that person could then read the database.
var systemUsers = []string{"cairn", "cairn-postgres"}

// clusterAccount decides who runs PostgreSQL on cluster: Cairn's own user, or,
// when Cairn is root, the owner of an existing cluster, else a system user.
func clusterAccount(ctx context.Context, cluster string) (account, error) {
	self := account{uid: os.Geteuid(), gid: os.Getegid(), name: currentUser()}
	info, err := os.Lstat(cluster)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return account{}, err
	}
	owner := 0
	if err == nil {
		if !info.IsDir() {
			return account{}, fmt.Errorf("%s is not a folder; move it away", cluster)
		}
		stat := info.Sys().(*syscall.Stat_t) // always so on Unix
		owner = int(stat.Uid)
		if self.uid != 0 && owner != self.uid {
			return account{}, fmt.Errorf("%s belongs to user %s and Cairn runs as %s: run it as the owner, "+
				"or choose another CAIRN_DATA_DIR", cluster, userName(owner), self.name)
		}
		if self.uid == 0 && owner != 0 {
			return account{uid: owner, gid: int(stat.Gid), name: userName(owner), change: true}, nil
		}
	}
	if self.uid != 0 {
		return self, nil
	}
	return systemAccount(ctx)
}

// systemAccount returns the system user for PostgreSQL under a root Cairn and
// makes it when there is none.
func systemAccount(ctx context.Context) (account, error) {
	var failed error
	for _, name := range systemUsers {
		found, err := user.Lookup(name)
		if err != nil {
			failed = errors.Join(failed, addSystemUser(ctx, name))
			if found, err = user.Lookup(name); err != nil {
				continue
			}
		}
		uid, uidErr := strconv.Atoi(found.Uid)
		gid, gidErr := strconv.Atoi(found.Gid)
		if uidErr != nil || gidErr != nil || uid == 0 || uid >= 1000 {
			continue // a person's
		}
		return account{uid: uid, gid: gid, name: name, change: true}, nil
	}
	return account{}, fmt.Errorf("PostgreSQL does not run as root and there is no system user for it: make one "+
		"(useradd --system %s), run Cairn as another user, or set CAIRN_DATABASE_URL%s", systemUsers[0], suffix(failed))
}

// addSystemUser makes a user without a home, a shell and a password.
func addSystemUser(ctx context.Context, name string) error {
	commands := [][]string{
		{"useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
			"--shell", "/usr/sbin/nologin", "--comment", "Cairn's database", name},
		{"adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", name}, // BusyBox
	}
	for _, c := range commands {
		path, err := exec.LookPath(c[0])
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, c[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s %s: %w: %s", c[0], name, err, firstLine(out))
		}
		return nil
	}
	return errors.New("neither useradd nor adduser is installed")
}

// command prepares a program to run as the account, with nothing of Cairn's
// environment, which may hold keys.
func (a account) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/" // Cairn's own folder may be closed to the account
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if a.change {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return cmd
}

// mkdir makes a new folder that only the account can enter. Its parent must
// be closed to other writers or be sticky.
func (a account) mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if !a.change {
		return nil
	}
	return os.Lchown(dir, a.uid, a.gid)
}

// writeFile replaces a file in dir, readable by the account alone. The account
// can write to dir and Cairn may be root, so no link in dir may lead out of it:
// dir is an os.Root.
func (a account) writeFile(dir *os.Root, name string, text []byte) error {
	partial := name + ".new"
	if err := dir.Remove(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := dir.OpenFile(partial, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if a.change {
		err = errors.Join(err, f.Chown(a.uid, a.gid))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return dir.Rename(partial, name)
}

// checkAccess returns an error when the account cannot reach one of the
// folders, naming the one that is closed. Only mode bits are looked at.
func (a account) checkAccess(dirs ...string) error {
	if !a.change {
		return nil
	}
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return err
		}
		for at := real; ; at = filepath.Dir(at) {
			if !a.canEnter(at) {
				return fmt.Errorf("as root, PostgreSQL runs as user %s, who cannot enter %s on the way to %s: "+
					"allow it (chmod o+x %s), or choose another place (CAIRN_DATA_DIR, CAIRN_POSTGRES_BIN)",
					a.name, at, dir, at)
			}
			if at == filepath.Dir(at) {
				break
			}
		}
	}
	return nil
}

func (a account) canEnter(dir string) bool {
	info, err := os.Stat(dir)
	if err != nil {
		return false
	}
	stat := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case int(stat.Uid) == a.uid:
		return mode&0o100 != 0
	case int(stat.Gid) == a.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}

// currentUser returns the name that the kernel's user id of this process has.
func currentUser() string { return userName(os.Geteuid()) }

// userName returns the name of a user id, the number itself when it has none.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	if u, err := user.Current(); err == nil && u.Uid == strconv.Itoa(uid) {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// suffix renders an optional cause.
func suffix(err error) string {
	if err == nil {
		return ""
	}
	return " (" + strings.ReplaceAll(err.Error(), "\n", "; ") + ")"
}
