package gitrepo

import (
	"bufio"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn/connectors"
)

// Conversation is one talk with git-upload-pack at a repository's host.
type Conversation interface {
	io.Writer
	io.Reader
	// CloseWrite says that git has nothing more to say.
	CloseWrite() error
	// Close ends the talk, and returns what went wrong with it.
	Close() error
}

// Dial begins a conversation of a version of git's protocol, which may be empty. A
// failure of kind ErrUnavailable is one after which a command is tried again.
type Dial func(ctx context.Context, version string) (Conversation, error)

// Open implements Upstream: to git it is a server of gitprotocol-pack(5), "git://", where
// what is said after the request is the same as over SSH.
func (d Dial) Open(ctx context.Context) (*Relay, error) {
	listener, key, err := listen()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &Relay{
		protocol: "git", listener: listener, stop: cancel,
		config: map[string]string{"remote.origin.url": "git://" + listener.Addr().String() + "/" + key, "core.gitProxy": ""},
	}
	r.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() { r.converse(ctx, conn, key, d) })
		}
	})
	return r, nil
}

// converse serves one connection of git.
func (r *Relay) converse(ctx context.Context, conn net.Conn, key string, d Dial) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	in := bufio.NewReader(conn)
	path, version, err := readRequest(in)
	if err != nil || subtle.ConstantTimeCompare([]byte(path), []byte("/"+key)) != 1 {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	talk, err := d(ctx, version)
	if err != nil {
		r.fail(err, errors.Is(err, connectors.ErrUnavailable))
		return
	}
	defer context.AfterFunc(ctx, func() { _ = talk.Close() })()
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = io.Copy(talk, in)
		_ = talk.CloseWrite()
	}()
	_, copied := io.Copy(conn, talk)
	if err := talk.Close(); err != nil {
		r.fail(err, errors.Is(err, connectors.ErrUnavailable))
	} else if copied != nil && ctx.Err() == nil && !errors.Is(copied, net.ErrClosed) {
		r.fail(BrokenOff("the host"), true)
	}
	_ = conn.Close()
	<-asked
}

// readRequest reads the first line that git sends: what it wants of which repository.
func readRequest(in *bufio.Reader) (path, version string, err error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(in, head); err != nil {
		return "", "", err
	}
	n, err := strconv.ParseUint(string(head), 16, 16)
	if err != nil || n < 5 || n > 4096 {
		return "", "", errors.New("not a request of git")
	}
	line := make([]byte, n-4)
	if _, err := io.ReadFull(in, line); err != nil {
		return "", "", err
	}
	parts := strings.Split(string(line), "\x00")
	path, ok := strings.CutPrefix(parts[0], "git-upload-pack ")
	if !ok {
		return "", "", errors.New("not a request to read")
	}
	for _, p := range parts[1:] {
		if strings.HasPrefix(p, "version=") {
			version = p
		}
	}
	return path, version, nil
}
