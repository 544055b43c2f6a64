package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// maxRunDir bounds the folder of the socket: the address of a Unix socket has
// 108 bytes on Linux and 104 elsewhere, of which the socket's name and the
// closing zero take 16.
const maxRunDir = 88

// makeDataDir makes Cairn's data directory. Under root it is root's, and
// others may pass through it (not list it) to what belongs to them: the user
// that PostgreSQL runs as.
func makeDataDir(dir string) error {
	if os.Geteuid() != 0 {
		return os.MkdirAll(dir, 0o700)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", dir)
	}
	return os.Chmod(dir, info.Mode().Perm()|0o011)
}

// makeRunDir makes the folder of the socket: "run" in the data directory, or,
// where that path is too long for a socket, a new folder with a random name
// in the system's folder for temporary files. Nobody but its owner can enter
// it, and what stood in its place before is not used.
func makeRunDir(dataDir string, owner account) (string, error) {
	run := filepath.Join(dataDir, "run")
	if len(run) <= maxRunDir {
		// The lock is held, so a folder of that name is a dead server's.
		if err := os.RemoveAll(run); err != nil {
			return "", err
		}
		return run, owner.mkdir(run)
	}
	run, err := os.MkdirTemp("", "cairn-")
	if err != nil {
		return "", err
	}
	if len(run) > maxRunDir {
		_ = os.Remove(run)
		return "", fmt.Errorf("the path of the data directory (%s) and that of the folder for temporary files (%s) are "+
			"both too long for a Unix socket: choose a CAIRN_DATA_DIR of at most %d bytes", dataDir, run, maxRunDir-len("/run"))
	}
	if owner.change {
		err = errors.Join(os.Lchown(run, owner.uid, owner.gid), owner.checkAccess(filepath.Dir(run)))
	}
	return run, err
}

// lockDir takes the lock of the data directory, which the kernel gives back
// when this process ends, however it ends.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "postgres.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		_ = f.Truncate(0)
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		return f, err
	}
	text := make([]byte, 20)
	n, _ := f.Read(text) // only for the message
	_ = f.Close()
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return nil, fmt.Errorf("%w: another Cairn (process %s) runs on %s; stop it, or choose another CAIRN_DATA_DIR",
		ErrInUse, strings.TrimSpace(string(text[:n])), dir)
}
