package local

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// serverConf holds the defaults for a machine that also does other things. The
// file is included before whatever the operator adds to postgresql.conf, which
// therefore wins. Statements in the log carry no parameters, and messages no details
// and contexts, which quote keys and JSON: hence no texts.
const serverConf = `# Written by Cairn at every start. Put your own settings into postgresql.conf.
max_connections = 60
shared_buffers = 512MB
maintenance_work_mem = 128MB
max_wal_size = 1GB
wal_compression = on
fsync = on
full_page_writes = on
synchronous_commit = on
autovacuum = on
timezone = 'UTC'
log_timezone = 'UTC'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%w.log'
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_min_messages = warning
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
log_line_prefix = '%m [%p] %d '
`

const includeLine = "\ninclude 'cairn.conf'\n# What follows wins over Cairn's defaults.\n"

// writeConfig writes the server's files anew: settings, and who may connect.
//
// The folder of the socket is closed to everybody else already. Peer
// authentication is the second lock, and costs nothing: the kernel tells the
// server which user connects, and only the user of this Cairn (root, where
// Cairn runs as root) is mapped to a role. A password would have to be kept in
// a file that the same users can read; "trust" would make the folder the only
// lock.
func (s *Server) writeConfig() error {
	me := currentUser()
	ident := fmt.Sprintf("# Written by Cairn at every start.\ncairn %q %s\ncairn %q %s\n", me, loginRole, me, adminRole)
	hba := "# Written by Cairn at every start.\nlocal all all peer map=cairn\n"
	dir, err := os.OpenRoot(s.cluster)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	for name, text := range map[string]string{"cairn.conf": serverConf, "pg_ident.conf": ident, "pg_hba.conf": hba} {
		if err := s.owner.writeFile(dir, name, []byte(text)); err != nil {
			return err
		}
	}
	text, err := dir.ReadFile("postgresql.conf")
	if err != nil || bytes.Contains(text, []byte(includeLine)) {
		return err
	}
	return s.owner.writeFile(dir, "postgresql.conf", append(text, includeLine...))
}

// openStartLog empties the file that receives what the server says before its
// own logging begins.
func (s *Server) openStartLog() (*os.File, error) {
	dir, err := os.OpenRoot(s.cluster)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	if err := s.owner.writeFile(dir, startLog, nil); err != nil {
		return nil, err
	}
	return dir.OpenFile(startLog, os.O_WRONLY|os.O_APPEND, 0o600)
}

const startLog = "start.log"

// logTail returns the last lines that the server wrote, for an error message.
func (s *Server) logTail() string {
	dir, err := os.OpenRoot(s.cluster)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = dir.Close() }()
	names, _ := fs.Glob(dir.FS(), "log/*.log") // the pattern is valid
	newest, written := startLog, time.Time{}
	for _, name := range append(names, startLog) {
		if info, err := dir.Stat(name); err == nil && info.Size() > 0 && info.ModTime().After(written) {
			newest, written = name, info.ModTime()
		}
	}
	text, err := dir.ReadFile(newest)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) > 8 {
		lines = lines[len(lines)-8:]
	}
	return filepath.Join(s.cluster, newest) + ":\n" + strings.Join(lines, "\n")
}
