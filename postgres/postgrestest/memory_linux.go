package postgrestest

import (
	"os"
	"syscall"
)

const (
	tmpfsMagic = 0x01021994
	minMemory  = 2 << 30 // bytes that must be free before memory is used for files
)

// TempRoot returns where the private servers of tests keep their data: in memory where
// there is room, because a database is some 470 files, each slow to make on a disk, and
// what a server writes is safe there from its being killed.
func TempRoot() string {
	const memory = "/dev/shm"
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err != nil || fs.Type != tmpfsMagic || fs.Bavail*uint64(fs.Bsize) < minMemory {
		return os.TempDir()
	}
	return memory
}
