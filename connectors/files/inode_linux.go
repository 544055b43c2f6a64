package files

import (
	"fmt"
	"io/fs"
	"syscall"
)

// inode returns what the file system tells beside size and time of a file: the
// number of the file and the time of its last change in any respect.
func inode(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d-%d.%09d", st.Ino, st.Ctim.Sec, st.Ctim.Nsec)
}
