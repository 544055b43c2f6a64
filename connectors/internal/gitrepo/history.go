package gitrepo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Origin is the commit that gave a file the content that it has. The zero Origin: it is
// not known.
type Origin struct {
	Commit string
	Author string
	At     time.Time // of the commit, not of the writing
}

// Entry is a commit of the log.
type Entry struct {
	Origin
	Written time.Time
	Message string
	Paths   []Logged
}

// Logged is a path that a commit changed, and the content that it gave it: zeros where
// the commit removed it.
type Logged struct{ Path, OID string }

// logFormat begins each commit: its parts are parted by what no message holds.
const logFormat = "%x01%H%x02%at%x02%ct%x02%an%x02"

// log yields commits, newest first, with the paths that each changed: a merge, those in
// which it differs from all its parents. One pass of git tells it for all files.
func (k *clone) log(ctx context.Context, messages bool, see func(Entry) bool, args ...string) error {
	format := "tformat:" + logFormat
	if messages {
		format += "%B"
	}
	c := k.git(append([]string{"log", "--raw", "-c", "-z", "--no-abbrev", "--no-renames", "--root", "--format=" + format + "%x03"}, args...)...)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, err := c.Cmd(ctx)
	if err != nil {
		return err
	}
	var stderr tail
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("run git log: %w", err)
	}
	enough, err := readLog(bufio.NewReaderSize(out, 256<<10), see)
	if enough || err != nil {
		cancel()
		_ = cmd.Wait()
		return err
	}
	return c.ended(ctx, cmd.Wait(), &stderr)
}

// readLog reads what git log writes until see is content.
func readLog(in *bufio.Reader, see func(Entry) bool) (enough bool, err error) {
	var e *Entry
	for {
		token, err := in.ReadString(0)
		token = strings.TrimLeft(strings.TrimSuffix(token, "\x00"), "\n")
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return false, err
		case token == "" && err != nil:
			return e != nil && see(*e), nil
		case token == "":
			continue
		case token[0] == 1:
			if e != nil && see(*e) {
				return true, nil
			}
			if e = readHead(token[1:]); e == nil {
				return false, errLog
			}
			continue
		}
		path, err := in.ReadString(0)
		oid, ok := result(token)
		if err != nil || !ok || e == nil {
			return false, errLog
		}
		e.Paths = append(e.Paths, Logged{strings.TrimSuffix(path, "\x00"), oid})
	}
}

var errLog = errors.New("git: the log cannot be read")

// readHead reads the head of a commit; nil when it is none.
func readHead(text string) *Entry {
	text, ok := strings.CutSuffix(text, "\x03")
	parts := strings.SplitN(text, "\x02", 5)
	if !ok || len(parts) != 5 {
		return nil
	}
	return &Entry{
		Origin:  Origin{Commit: parts[0], Author: strings.ToValidUTF8(parts[3], "\uFFFD"), At: unix(parts[2])},
		Written: unix(parts[1]), Message: strings.ToValidUTF8(parts[4], "\uFFFD"),
	}
}

// result returns the content that a line of --raw says a path has after the commit.
func result(line string) (oid string, ok bool) {
	parents := len(line) - len(strings.TrimLeft(line, ":"))
	fields := strings.Fields(line)
	if parents == 0 || len(fields) != 2*(parents+1)+1 {
		return "", false
	}
	return fields[len(fields)-2], true
}

// unix reads a time; the zero time where it is none, or one of the future.
func unix(text string) time.Time {
	n, err := strconv.ParseInt(text, 10, 64)
	if at := time.Unix(n, 0).UTC(); err == nil && n > 0 && at.Before(time.Now()) {
		return at
	}
	return time.Time{}
}

// last returns, for each of the paths with the content that they have, the newest commit
// that gave it to them, as far as there is one between since and until; since may be
// empty. It reads no further than it must.
func (k *clone) last(ctx context.Context, since, until string, content map[string]string, all bool) (map[string]Origin, error) {
	found := make(map[string]Origin, len(content))
	args := []string{until}
	if since != "" {
		args = append(args, "^"+since)
	}
	err := k.log(ctx, false, func(e Entry) bool {
		for _, p := range e.Paths {
			if oid, asked := content[p.Path]; asked && oid == p.OID {
				if _, known := found[p.Path]; !known {
					found[p.Path] = e.Origin
				}
			}
		}
		return all && len(found) == len(content)
	}, append(args, "--")...)
	return found, err
}

// differing returns the paths in which two commits differ.
func (k *clone) differing(ctx context.Context, from, to string) (map[string]bool, error) {
	out, err := k.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", from, to, "--").output(ctx)
	if err != nil {
		return nil, err
	}
	paths := map[string]bool{}
	for path := range strings.SplitSeq(string(out), "\x00") {
		if path != "" {
			paths[path] = true
		}
	}
	return paths, nil
}

// renamesAtMost bounds how many files are compared with each other.
const renamesAtMost = "-l1000"

// renames returns the former paths of files of a commit that another one has under other
// paths and with much the same content, by their paths now. Of contents that are not in
// the copy nothing is told.
func (k *clone) renames(ctx context.Context, from, to string) (map[string]string, error) {
	out, err := k.git("diff-tree", "-r", "-z", "-M", renamesAtMost, "--diff-filter=R", "--name-status", from, to, "--").output(ctx)
	if failed := (*errFailed)(nil); errors.As(err, &failed) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	former := map[string]string{}
	fields := strings.Split(string(out), "\x00") // R087, the path that was, the path that is
	for i := 0; i+2 < len(fields); i += 3 {
		former[fields[i+2]] = fields[i+1]
	}
	return former, nil
}

// leads reports whether a commit is there and an ancestor of another.
func (k *clone) leads(ctx context.Context, from, to string) (bool, error) {
	there, err := k.has(ctx, from)
	if err != nil || there != from {
		return false, err
	}
	_, err = k.git("merge-base", "--is-ancestor", from, to).output(ctx)
	if failed := (*errFailed)(nil); errors.As(err, &failed) {
		return false, nil
	}
	return err == nil, err
}
