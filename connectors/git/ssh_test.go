package git_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git"
	"github.com/cairnhq/cairn/connectors/git/gittest"
	"github.com/cairnhq/cairn/outbound"
)

// keys are a private key, as ssh-keygen writes it, and its public half.
type keys struct {
	private string
	signer  ssh.Signer
}

func newKeys(t *testing.T, passphrase string) keys {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "canary-comment")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return keys{string(pem.EncodeToMemory(block)), signer}
}

// sshHost is an SSH server that lets one key run git-upload-pack in one repository.
type sshHost struct {
	addr   string
	host   keys
	client keys
	runs   atomic.Int32
	hangUp atomic.Int32 // so many runs break off
}

func newSSHHost(t *testing.T, r *gittest.Repository, passphrase string) *sshHost {
	t.Helper()
	h := &sshHost{host: newKeys(t, ""), client: newKeys(t, passphrase)}
	config := &ssh.ServerConfig{PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if c.User() != "git" || string(key.Marshal()) != string(h.client.signer.PublicKey().Marshal()) {
			return nil, errors.New("unknown")
		}
		return nil, nil
	}}
	config.AddHostKey(h.host.signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	h.addr = listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go h.serve(conn, config, r)
		}
	}()
	return h
}

func (h *sshHost) serve(conn net.Conn, config *ssh.ServerConfig, r *gittest.Repository) {
	defer conn.Close()
	wire, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer wire.Close()
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go h.session(conn, channel, requests, r)
	}
}

func (h *sshHost) session(conn net.Conn, channel ssh.Channel, requests <-chan *ssh.Request, r *gittest.Repository) {
	defer channel.Close()
	protocol := ""
	for q := range requests {
		var env struct{ Name, Value string }
		var run struct{ Command string }
		switch {
		case q.Type == "env" && ssh.Unmarshal(q.Payload, &env) == nil && env.Name == "GIT_PROTOCOL":
			protocol = env.Value
			_ = q.Reply(true, nil)
		case q.Type == "exec" && ssh.Unmarshal(q.Payload, &run) == nil && run.Command == "git-upload-pack '/acme/handbook.git'":
			_ = q.Reply(true, nil)
			h.runs.Add(1)
			if h.hangUp.Add(-1) >= 0 {
				_ = conn.Close()
				return
			}
			cmd := exec.Command("git", "-c", "uploadpack.allowFilter=true", "-c", "safe.directory=*", "upload-pack", r.Dir)
			cmd.Env = append(os.Environ(), "GIT_PROTOCOL="+protocol)
			cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
			in, _ := cmd.StdinPipe()
			go func() {
				_, _ = io.Copy(in, channel)
				_ = in.Close()
			}()
			status := uint32(0)
			if err := cmd.Run(); err != nil {
				status = 128
			}
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
			return
		default:
			_ = q.Reply(q.Type == "exec", nil)
			if q.Type == "exec" {
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{1}))
				return
			}
		}
	}
}

// lookup is a network in which one name leads to this machine.
type lookup struct {
	connectors.Network
	asked atomic.Int32
}

func (l *lookup) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if host == "git.example.test" {
		if l.asked.Add(1)%2 == 0 { // somebody rebinds the name
			return nil, cairn.Errorf(cairn.ErrDenied, "10.0.0.1 is not a public address")
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return l.Network.Lookup(ctx, host)
}

// source opens a source over SSH.
func (h *sshHost) source(t *testing.T, network connectors.Network, secrets map[string]string, settings map[string]string) connectors.Connector {
	t.Helper()
	_, port, _ := net.SplitHostPort(h.addr)
	all := map[string]string{
		"url":         "ssh://git.example.test:" + port + "/acme/handbook.git",
		"known_hosts": "# a comment\n" + knownhosts.Line([]string{"git.example.test:" + port}, h.host.signer.PublicKey()),
	}
	for name, value := range settings {
		all[name] = value
	}
	clock := &connectortest.Clock{}
	env := connectors.Environment{Network: network, Secrets: connectortest.NewSecrets(secrets), WorkDir: t.TempDir(), Timeout: 2 * time.Second, Sleep: clock.Sleep}
	return connectortest.Open(t, git.Kind(), env, all)
}

func allowLoopback() *outbound.Network {
	return outbound.NewNetwork(outbound.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
}

func TestSSH(t *testing.T) {
	r := gittest.NewRepository(t)
	r.Commit(t, map[string]string{"a.md": "a", "docs/b.md": "b"})
	const passphrase = "canary-passphrase"
	h := newSSHHost(t, r, passphrase)
	secrets := map[string]string{"ssh_key": h.client.private, "ssh_passphrase": passphrase}
	c := h.source(t, always{&lookup{Network: allowLoopback()}}, secrets, nil)
	if told, err := c.(connectors.Tester).Test(t.Context()); err != nil || !strings.Contains(told, "acme/handbook at git.example.test") {
		t.Errorf("it tells %q, %v", told, err)
	}
	changes, cursor := read(t, c, "")
	if text, err := content(t, changes["docs/b.md"]); len(changes) != 2 || text != "b" {
		t.Errorf("got %q, %q, %v", summary(t, changes), text, err)
	}
	if changes["a.md"].Metadata.URL != "" {
		t.Errorf("an unknown host has the page %s", changes["a.md"].Metadata.URL)
	}
	r.Commit(t, map[string]string{"a.md": "changed"})
	h.hangUp.Store(2)
	if changes, _ = read(t, h.source(t, always{&lookup{Network: allowLoopback()}}, secrets, nil), cursor); len(changes) != 1 {
		t.Errorf("another copy tells %q", summary(t, changes))
	}
	if h.hangUp.Load() > 0 {
		t.Error("no connection broke off")
	}
}

// always is lookup without rebinding.
type always struct{ *lookup }

func (a always) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	a.asked.Store(0)
	return a.lookup.Lookup(ctx, host)
}

func TestSSHRefusals(t *testing.T) {
	r := gittest.NewRepository(t)
	h, other := newSSHHost(t, r, ""), newKeys(t, "")
	_, port, _ := net.SplitHostPort(h.addr)
	at := "git.example.test:" + port
	good := map[string]string{"ssh_key": h.client.private}
	for name, tt := range map[string]struct {
		network  connectors.Network
		secrets  map[string]string
		settings map[string]string
		kind     error
		says     string
	}{
		"no key":               {nil, nil, nil, connectors.ErrUnauthorized, "--secret ssh_key"},
		"no private key":       {nil, map[string]string{"ssh_key": "canary-text"}, nil, connectors.ErrUnauthorized, "cannot be read"},
		"locked":               {nil, map[string]string{"ssh_key": newKeys(t, "x").private}, nil, connectors.ErrUnauthorized, "ssh_passphrase"},
		"another key":          {nil, map[string]string{"ssh_key": other.private}, nil, connectors.ErrUnauthorized, "refused the ssh_key"},
		"another host":         {nil, good, map[string]string{"known_hosts": knownhosts.Line([]string{at}, other.signer.PublicKey())}, connectors.ErrUnexpected, "another key"},
		"an unknown host":      {nil, good, map[string]string{"known_hosts": knownhosts.Line([]string{"else.example.test"}, other.signer.PublicKey())}, connectors.ErrUnexpected, "ssh-keyscan"},
		"another repository":   {nil, good, map[string]string{"url": "ssh://git@" + at + "/acme/none.git"}, connectors.ErrNotFound, "has none there"},
		"a private address":    {outbound.NewNetwork(outbound.Config{}), good, map[string]string{"url": "ssh://git@127.0.0.1:" + port + "/acme/handbook.git", "known_hosts": knownhosts.Line([]string{h.addr}, h.host.signer.PublicKey())}, cairn.ErrDenied, "CAIRN_ALLOWED_NETWORKS"},
		"no network":           {none{}, good, nil, connectors.ErrUnavailable, "name of no machine"},
		"rebound in the midst": {&lookup{Network: allowLoopback()}, good, nil, cairn.ErrDenied, "not a public address"},
	} {
		t.Run(name, func(t *testing.T) {
			network := tt.network
			if network == nil {
				network = always{&lookup{Network: allowLoopback()}}
			}
			runs := h.runs.Load()
			settings := map[string]string{"url": "ssh://git@" + at + "/acme/handbook.git"}
			for name, value := range tt.settings {
				settings[name] = value
			}
			var failed error
			for _, err := range h.source(t, network, tt.secrets, settings).Changes(t.Context(), "") {
				failed = err
			}
			if !errors.Is(failed, tt.kind) || !strings.Contains(failed.Error(), tt.says) || strings.Contains(failed.Error(), "canary") {
				t.Errorf("it says: %v", failed)
			}
			if name != "another repository" && name != "rebound in the midst" && h.runs.Load() != runs {
				t.Error("the host was asked for the repository")
			}
		})
	}
}

// none is a network that knows no names.
type none struct{ connectors.Network }

func (none) Lookup(context.Context, string) ([]netip.Addr, error) {
	return nil, errors.New("no such host")
}

// TestOpenSSH reads through the server of OpenSSH, which is what most hosts run.
func TestOpenSSH(t *testing.T) {
	sshd, err := exec.LookPath("/usr/sbin/sshd")
	if err != nil {
		t.Skip("there is no sshd: install openssh-server")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	r := gittest.NewRepository(t)
	r.Git(t, "", "config", "uploadpack.allowFilter", "true")
	r.Commit(t, map[string]string{"a.md": "a", "it's!/b.md": "b", "large.bin.md": strings.Repeat("x", 20_000)})
	host, client := newKeys(t, ""), newKeys(t, "")
	addr := startSSHD(t, sshd, host, client)
	_, port, _ := net.SplitHostPort(addr)
	settings := map[string]string{
		"url": "ssh://" + me.Username + "@127.0.0.1:" + port + r.Dir, "known_hosts": knownhosts.Line([]string{addr}, host.signer.PublicKey()), "max_size": "10kB",
	}
	env := connectors.Environment{Network: allowLoopback(), Secrets: connectortest.NewSecrets(map[string]string{"ssh_key": client.private}), WorkDir: t.TempDir()}
	changes, cursor := read(t, connectortest.Open(t, git.Kind(), env, settings), "")
	if got := summary(t, changes); len(got) != 3 || got[2] != "large.bin.md too_large" {
		t.Errorf("got %q", got)
	}
	r.Commit(t, map[string]string{"a.md": "changed"})
	changes, _ = read(t, connectortest.Open(t, git.Kind(), env, settings), cursor)
	if text, err := content(t, changes["a.md"]); len(changes) != 1 || text != "changed" {
		t.Errorf("got %q, %v", text, err)
	}
}

// startSSHD runs a server of this user, until the test ends.
func startSSHD(t *testing.T, sshd string, host, client keys) (addr string) {
	t.Helper()
	dir := t.TempDir()
	_ = os.MkdirAll("/run/sshd", 0o755) // where it runs as root
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(addr)
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	config := write("config", fmt.Sprintf("ListenAddress 127.0.0.1:%s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n",
		port, write("host", host.private), write("authorized", string(ssh.MarshalAuthorizedKey(client.signer.PublicKey())))))
	cmd := exec.Command(sshd, "-D", "-e", "-f", config)
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Server listening") {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return addr
		}
	}
	t.Skip("sshd does not start here")
	return ""
}

func marshal(k keys) []byte { return ssh.MarshalAuthorizedKey(k.signer.PublicKey()) }
