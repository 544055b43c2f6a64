package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
)

// ssher begins conversations over SSH. It is a client of its own: it knows no aliases,
// no agent and no keys but those of the source, and connects to addresses that the
// operator allows.
type ssher struct {
	env        connectors.Environment
	shell      shell
	knownHosts string // lines of a known_hosts file
}

// parseKnownHosts checks the setting known_hosts. Errors are ErrInvalid.
func parseKnownHosts(a address, text string) (string, error) {
	const how = "give the lines that ssh-keyscan prints for the host, after comparing the keys with what its operator publishes"
	rest, n := []byte(text), 0
	for {
		_, _, _, _, after, err := ssh.ParseKnownHosts(rest)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", cairn.Errorf(cairn.ErrInvalid, "known_hosts: line %d is no public key of a host; %s", n+1, how)
		}
		rest, n = after, n+1
	}
	if a.shell != nil && n == 0 {
		return "", cairn.Errorf(cairn.ErrInvalid, "known_hosts: a repository over SSH needs the public keys of its host; %s", how)
	}
	return text, nil
}

// dial is a gitrepo.Dial.
func (s *ssher) dial(ctx context.Context, version string) (gitrepo.Conversation, error) {
	config, err := s.config(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	quiet := &watched{Conn: conn, silence: 4 * s.silence()}
	wire, channels, requests, err := ssh.NewClientConn(quiet, s.shell.at(), config)
	if err != nil {
		stop()
		_ = conn.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, s.refused(err)
	}
	client := ssh.NewClient(wire, channels, requests)
	talk, err := s.run(client, version)
	if err != nil {
		stop()
		_ = client.Close()
		return nil, err
	}
	talk.closed = func() {
		stop()
		_ = client.Close()
		_ = client.Wait()
	}
	return talk, nil
}

func (s *ssher) silence() time.Duration {
	if s.env.Timeout > 0 {
		return s.env.Timeout
	}
	return 30 * time.Second
}

// connect connects to an address that the network has looked up and allows: the name is
// not looked up again.
func (s *ssher) connect(ctx context.Context) (net.Conn, error) {
	if s.env.Network == nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "this server reaches no other machines")
	}
	found, err := s.env.Network.Lookup(ctx, s.shell.host)
	if errors.Is(err, cairn.ErrDenied) {
		return nil, err
	}
	if err != nil || len(found) == 0 {
		return nil, &connectors.Error{Kind: connectors.ErrUnavailable, Message: s.shell.host + " is the name of no machine: check the url"}
	}
	dialer := net.Dialer{Timeout: min(s.silence(), 10*time.Second)}
	for _, addr := range found {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(addr.String(), s.shell.port))
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
	return nil, &connectors.Error{Kind: connectors.ErrUnavailable, Message: s.shell.host + " could not be reached by SSH"}
}

// config has the credential and the keys of the host.
func (s *ssher) config(ctx context.Context) (*ssh.ClientConfig, error) {
	signer, err := s.signer(ctx)
	if err != nil {
		return nil, err
	}
	check, algorithms, err := s.hostKeys()
	if err != nil {
		return nil, err
	}
	return &ssh.ClientConfig{
		User: s.shell.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: check, HostKeyAlgorithms: algorithms,
		ClientVersion: "SSH-2.0-Cairn", Timeout: s.silence(),
	}, nil
}

func (s *ssher) signer(ctx context.Context) (ssh.Signer, error) {
	read := func(name string) (secret cairn.Secret, err error) {
		if s.env.Secrets != nil {
			secret, err = s.env.Secrets.Secret(ctx, name)
		}
		return secret, err
	}
	key, err := read("ssh_key")
	if err != nil {
		return nil, err
	}
	if !key.Set() {
		return nil, &connectors.Error{Kind: connectors.ErrUnauthorized, Message: "the source has no ssh_key: give it one with cairn source set NAME --secret ssh_key=FILE"}
	}
	signer, err := ssh.ParsePrivateKey([]byte(key.Reveal()))
	if locked := (*ssh.PassphraseMissingError)(nil); errors.As(err, &locked) {
		passphrase, failed := read("ssh_passphrase")
		if failed != nil {
			return nil, failed
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(key.Reveal()), []byte(passphrase.Reveal()))
	}
	if err != nil { // its text may hold what was read
		return nil, &connectors.Error{Kind: connectors.ErrUnauthorized, Message: "the ssh_key of the source cannot be read: it must be a private key as ssh-keygen writes it, with ssh_passphrase where it has one"}
	}
	return signer, nil
}

// hostKeys returns what checks the key of the host, and the algorithms of the keys that
// are known of it: a host with several would else show another one.
func (s *ssher) hostKeys() (ssh.HostKeyCallback, []string, error) {
	if err := os.MkdirAll(s.env.WorkDir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make a folder for the source: %w", err)
	}
	file, err := os.CreateTemp(s.env.WorkDir, "known_hosts-*")
	if err != nil {
		return nil, nil, fmt.Errorf("keep the keys of the host: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(s.knownHosts + "\n")
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, nil, fmt.Errorf("keep the keys of the host: %w", err)
	}
	check, err := knownhosts.New(filepath.Clean(file.Name()))
	if err != nil {
		return nil, nil, cairn.Errorf(cairn.ErrInvalid, "known_hosts: it cannot be read as lines of public keys")
	}
	// The callback is asked for a key that no host has, to learn which would do.
	var known *knownhosts.KeyError
	var algorithms []string
	if err := check(s.shell.at(), &net.TCPAddr{IP: net.IPv4zero}, noKey{}); errors.As(err, &known) {
		for _, k := range known.Want {
			if k.Key.Type() == ssh.KeyAlgoRSA {
				algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
				continue
			}
			algorithms = append(algorithms, k.Key.Type())
		}
	}
	if len(algorithms) == 0 {
		return nil, nil, &connectors.Error{Kind: connectors.ErrUnexpected, Message: "known_hosts has no key of " + s.shell.at() + ": add the lines that ssh-keyscan prints for it, after comparing them with what its operator publishes"}
	}
	return check, algorithms, nil
}

// noKey is a public key that no host has.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// refused says why there is no connection.
func (s *ssher) refused(err error) error {
	var wrong *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &wrong), errors.As(err, &revoked), strings.Contains(err.Error(), "no common algorithm for host key"):
		return &connectors.Error{Kind: connectors.ErrUnexpected, Message: s.shell.host + " shows another key than known_hosts has: somebody may stand in between. If its operator has published a new key, set known_hosts anew"}
	case strings.Contains(err.Error(), "unable to authenticate"):
		return &connectors.Error{Kind: connectors.ErrUnauthorized, Message: s.shell.host + " refused the ssh_key of the source: add its public half there, with the right to read the repository"}
	case strings.Contains(err.Error(), "no common algorithm"):
		return &connectors.Error{Kind: connectors.ErrUnexpected, Message: s.shell.host + " and Cairn have no cipher of SSH in common: its server is too old"}
	}
	return gitrepo.BrokenOff(s.shell.host)
}

// run asks for git-upload-pack.
func (s *ssher) run(client *ssh.Client, version string) (*sshTalk, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, gitrepo.BrokenOff(s.shell.host)
	}
	if version != "" {
		_ = session.Setenv("GIT_PROTOCOL", version) // refused, the older version is spoken
	}
	talk := &sshTalk{session: session, shell: s.shell}
	session.Stderr = io.Discard
	if talk.WriteCloser, err = session.StdinPipe(); err == nil {
		talk.Reader, err = session.StdoutPipe()
	}
	if err == nil {
		err = session.Start(s.shell.command())
	}
	if err != nil {
		return nil, gitrepo.BrokenOff(s.shell.host)
	}
	return talk, nil
}

// sshTalk is a conversation over SSH.
type sshTalk struct {
	io.WriteCloser
	io.Reader
	session *ssh.Session
	shell   shell
	closed  func()
	once    sync.Once
	said    sync.Once // all that is to be said to the host
	failed  error
}

// CloseWrite implements gitrepo.Conversation.
func (t *sshTalk) CloseWrite() (err error) {
	t.said.Do(func() { err = t.WriteCloser.Close() })
	return err
}

// Close implements gitrepo.Conversation.
func (t *sshTalk) Close() error {
	t.once.Do(func() {
		_ = t.CloseWrite()
		ended := make(chan error, 1)
		go func() { ended <- t.session.Wait() }()
		select {
		case err := <-ended:
			t.failed = t.meaning(err)
		case <-time.After(2 * time.Second): // git has hung up; the host has not
		}
		t.closed()
	})
	return t.failed
}

// meaning says what the end of the command at the host means.
func (t *sshTalk) meaning(err error) error {
	var exit *ssh.ExitError
	var missing *ssh.ExitMissingError
	switch {
	case errors.As(err, &exit) && exit.ExitStatus() != 0:
		return &connectors.Error{Kind: connectors.ErrNotFound, Message: t.shell.host + " does not give the repository out to this ssh_key, or has none there: check the url and what the key may read"}
	case errors.As(err, &missing):
		return gitrepo.BrokenOff(t.shell.host)
	}
	return nil
}

// watched is a connection that ends when nothing comes for long.
type watched struct {
	net.Conn
	silence time.Duration
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	if err := w.SetReadDeadline(time.Now().Add(w.silence)); err != nil {
		return 0, err
	}
	return w.Conn.Read(p)
}
