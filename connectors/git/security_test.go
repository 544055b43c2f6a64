package git_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/git"
	"github.com/cairnhq/cairn/connectors/git/gittest"
	"github.com/cairnhq/cairn/outbound"
)

// canary is a listener that nothing may connect to: at an address of this machine that
// the network of the tests does not allow.
type canary struct {
	addr string
	hits atomic.Int32
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("there is no second loopback address: %v", err)
	}
	c := &canary{addr: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.hits.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		if n := c.hits.Load(); n > 0 {
			t.Errorf("%d connections reached the canary", n)
		}
	})
	return c
}

// hostile makes the environment of the tests one in which git would go astray: a home
// folder with configuration, aliases of SSH hosts, proxies, helpers.
func hostile(t *testing.T, c *canary) (marker string) {
	t.Helper()
	home := t.TempDir()
	marker = filepath.Join(home, "was-run")
	run := "touch " + marker
	write := func(name, text string) {
		p := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("hooks/reference-transaction", "#!/bin/sh\n"+run+"\n")
	write(".ssh/config", "Host *\n\tHostName 127.0.0.2\n\tProxyCommand "+run+"\n")
	write(".gitconfig", fmt.Sprintf(`[url "http://%[1]s/"]
	insteadOf = http://
	insteadOf = git://
[core]
	hooksPath = %[2]s/hooks
	sshCommand = %[3]s
	gitProxy = %[3]s
	fsmonitor = %[3]s
	askPass = %[3]s
	alternateRefsCommand = %[3]s
[credential]
	helper = "!%[3]s"
[http]
	proxy = http://%[1]s
[uploadpack]
	packObjectsHook = %[3]s
[gpg]
	program = %[3]s
[log]
	showSignature = true
[protocol]
	allow = always
`, c.addr, home, run))
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "HTTP_PROXY": "http://" + c.addr, "http_proxy": "http://" + c.addr, "HTTPS_PROXY": "http://" + c.addr,
		"ALL_PROXY": "http://" + c.addr, "GIT_SSH_COMMAND": run, "GIT_SSH": run, "GIT_ASKPASS": run, "GIT_PROXY_COMMAND": run, "GIT_EXTERNAL_DIFF": run,
		"GIT_ALTERNATE_OBJECT_DIRECTORIES": "/etc", "GIT_OBJECT_DIRECTORY": home, "GIT_INDEX_FILE": home, "GIT_TEMPLATE_DIR": home,
		"GIT_ALLOW_PROTOCOL": "ext:file:http:https:git:ssh", "GIT_CONFIG_PARAMETERS": "'http.proxy'='http://" + c.addr + "'", "GIT_TRACE": filepath.Join(home, "trace"),
	} {
		t.Setenv(name, value)
	}
	return marker
}

// only is the network of a server that reaches one address of this machine.
func only() *outbound.Network {
	return outbound.NewNetwork(outbound.Config{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
}

// open opens a source of an address, over a network.
func open(t *testing.T, network connectors.Network, settings map[string]string, secrets map[string]string) (connectors.Connector, string) {
	t.Helper()
	clock := &connectortest.Clock{}
	env := connectors.Environment{Network: network, WorkDir: t.TempDir(), Secrets: connectortest.NewSecrets(secrets), Sleep: clock.Sleep, Now: clock.Now}
	return connectortest.Open(t, git.Kind(), env, settings), env.WorkDir
}

// failure is the error with which a reading ends.
func failure(t *testing.T, c connectors.Connector) error {
	t.Helper()
	var failed error
	for _, err := range c.Changes(t.Context(), "") {
		failed = err
	}
	return failed
}

// TestA12_35_GitGoesNowhereElse lets a host lead elsewhere in each way that git knows.
func TestA12_35_GitGoesNowhereElse(t *testing.T) {
	c := newCanary(t)
	elsewhere := "http://" + c.addr + gittest.Path
	repository := gittest.NewHandler(t)
	repository.Commit(t, map[string]string{
		"a.md": "a", "sub": "@" + strings.Repeat("1", 40), ".gitmodules": "[submodule \"sub\"]\n\tpath = sub\n\turl = " + elsewhere + "\n\tupdate = checkout\n",
		".lfsconfig": "[lfs]\n\turl = " + elsewhere + "\n", ".gitattributes": "* filter=lfs diff=lfs\n",
		"film.md": "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
	})
	advert := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
		_, _ = w.Write([]byte(text))
	}
	line := func(text string) string { return fmt.Sprintf("%04x%s", len(text)+4, text) }
	oid := strings.Repeat("1", 40)
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		reads   bool
	}{
		"submodules and LFS": {repository.ServeHTTP, true},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere+"/info/refs?"+r.URL.RawQuery, http.StatusFound)
		}, false},
		"a redirect of what is asked": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				http.Redirect(w, r, elsewhere+"/git-upload-pack", http.StatusTemporaryRedirect)
				return
			}
			repository.ServeHTTP(w, r)
		}, false},
		"a redirect to a file": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		}, false},
		"a redirect to a command": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "ext::sh -c true")
			w.WriteHeader(http.StatusFound)
		}, false},
		"a redirect to its own IP": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://[::ffff:7f00:2]:"+portOf(c.addr)+"/info/refs", http.StatusFound)
		}, false},
		"files on a web server with alternates": {func(w http.ResponseWriter, r *http.Request) {
			switch strings.TrimPrefix(r.URL.Path, gittest.Path) {
			case "/info/refs":
				_, _ = fmt.Fprintf(w, "%s\trefs/heads/main\n", oid)
			case "/HEAD":
				_, _ = fmt.Fprint(w, "ref: refs/heads/main\n")
			case "/objects/info/http-alternates", "/objects/info/alternates":
				_, _ = fmt.Fprint(w, elsewhere+"/objects\n")
			default:
				http.NotFound(w, r)
			}
		}, false},
		"bundles and packs elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				advert(w, line("# service=git-upload-pack\n")+"0000"+line("version 2\n")+line("bundle-uri\n")+line("ls-refs\n")+line("fetch=packfile-uris\n")+line("object-format=sha1\n")+"0000")
				return
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = fmt.Fprint(w, line(oid+" HEAD\n")+line("bundle.version=1\n")+line("bundle.mode=all\n")+line("bundle.a.uri="+elsewhere+"\n")+line("packfile-uris\n")+line(oid+" "+elsewhere+"\n")+"0000")
		}, false},
		"an error that tells": {func(w http.ResponseWriter, _ *http.Request) {
			advert(w, line("# service=git-upload-pack\n")+"0000"+line("ERR go to "+elsewhere+"\n"))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			marker := hostile(t, c)
			source, _ := open(t, only(), map[string]string{"url": server.URL + gittest.Path}, repository.Secrets())
			err := failure(t, source)
			if tt.reads != (err == nil) {
				t.Errorf("got %v", err)
			}
			var shown *connectors.Error
			if err != nil && !errors.As(err, &shown) {
				t.Errorf("it is not said what is wrong: %v", err)
			}
			if _, err := os.Stat(marker); err == nil {
				t.Error("a command was run")
			}
			if n := c.hits.Load(); n > 0 {
				t.Errorf("%d connections reached the canary", n)
			}
		})
	}
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// TestA12_35_AddressesOfRepositories tries what may be written as a url.
func TestA12_35_AddressesOfRepositories(t *testing.T) {
	c := newCanary(t)
	marker := hostile(t, c)
	key := newKeys(t, "")
	port := portOf(c.addr)
	hosts := "* ssh-ed25519 " + strings.Fields(string(marshal(key)))[1]
	for _, url := range []string{
		"http://" + c.addr + "/r.git", "https://" + c.addr + "/r.git", "http://127.0.0.2:" + port + "/r.git#x", "http://[::ffff:127.0.0.2]:" + port + "/r.git",
		"http://2130706434:" + port + "/r.git", "http://0x7f.0.0.2:" + port + "/r.git", "http://127.2:" + port + "/r.git", "http://127.0.0.2.:" + port + "/r.git",
		"http://user:pass@" + c.addr + "/r.git", "http://127.0.0.1@" + c.addr + "/r.git", "http://169.254.169.254/latest/meta-data", "http://[fd00:ec2::254]/r.git",
		"ssh://git@" + c.addr + "/r.git", "ssh://git@[::ffff:127.0.0.2]:" + port + "/r.git", "ssh://-oProxyCommand=x@" + c.addr + "/r.git", "ssh://git@-oProxyCommand=touch/r.git",
		"git@127.0.0.2:r.git", "-oProxyCommand=touch:r.git", "git://" + c.addr + "/r.git", "ftp://" + c.addr + "/r.git", "git+ssh://git@" + c.addr + "/r.git",
		"ext::sh -c touch% " + marker, "fd::17", "http::http://" + c.addr + "/r.git", "file://" + c.addr + "/r.git", "rsync://" + c.addr + "/r", "//" + c.addr + "/r.git",
		"--upload-pack=touch " + marker, "http://" + c.addr + "/r.git\nhost", "http://\t" + c.addr, "", " ", "HTTP://" + c.addr + "/r.git", "relative/path", "./r.git", "..", "C:\\r.git",
		"http://" + c.addr, "http:///r.git", "ssh://", "ssh://host", "git@host:", "host:-x", "bundle.uri",
	} {
		env := connectors.Environment{Network: only(), FilesRoots: []string{}, WorkDir: t.TempDir(), Secrets: connectortest.NewSecrets(map[string]string{"token": "x", "ssh_key": key.private})}
		clock := &connectortest.Clock{}
		env.Sleep, env.Now = clock.Sleep, clock.Now
		settings := map[string]string{"url": url, "known_hosts": hosts}
		err := git.Kind().Validate(env, settings)
		if err == nil {
			source, failed := git.Kind().Open(env, settings)
			if err = failed; err == nil {
				err = failure(t, source)
			}
		}
		if err == nil {
			t.Errorf("%q is read", url)
		}
		if n := c.hits.Load(); n > 0 {
			t.Fatalf("%q: a connection reached the canary", url)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command was run")
	}
}

// TestCredentialsStayInTheProcess looks at all processes of git while the host is asked, and at
// what is on disk afterwards.
func TestCredentialsStayInTheProcess(t *testing.T) {
	if _, err := os.ReadDir("/proc/self"); err != nil {
		t.Skip("processes cannot be looked at")
	}
	s := gittest.NewHandler(t)
	looked, asked := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		processes, _ := filepath.Glob("/proc/[0-9]*")
		for _, p := range processes {
			if called, err := os.ReadFile(filepath.Join(p, "comm")); err != nil || !bytes.HasPrefix(called, []byte("git")) {
				continue // somebody else's
			}
			for _, name := range []string{"cmdline", "environ"} {
				b, err := os.ReadFile(filepath.Join(p, name))
				if err == nil && len(b) > 0 {
					looked++
				}
				if bytes.Contains(b, []byte(gittest.Token)) || bytes.Contains(b, []byte("Authorization")) {
					t.Errorf("the token stands in the %s of %s", name, p)
				}
			}
		}
		s.ServeHTTP(w, r)
	}))
	defer server.Close()
	s.URL = server.URL
	s.Put(t, "a", "A", "text")
	source, work := open(t, only(), s.Settings(), s.Secrets())
	if changes, _ := read(t, source, ""); len(changes) != 1 || asked < 3 || looked == 0 {
		t.Fatalf("read %d documents in %d requests, looked at %d", len(changes), asked, looked)
	}
	err := filepath.WalkDir(work, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if bytes.Contains(b, []byte(gittest.Token)) {
			t.Errorf("the token stands in %s", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A credential goes to the host of the source and to no other, and one that is refused
// or missing is told of.
func TestCredentials(t *testing.T) {
	s := gittest.New(t)
	s.Put(t, "a", "A", "text")
	for name, tt := range map[string]struct {
		secrets map[string]string
		says    string
	}{
		"none":    {nil, "--secret token=FILE"},
		"another": {map[string]string{"token": "canary-wrong"}, "refused the credential"},
	} {
		source, _ := open(t, only(), s.Settings(), tt.secrets)
		_, tested := source.(connectors.Tester).Test(t.Context())
		for _, err := range []error{failure(t, source), tested} {
			if !errors.Is(err, connectors.ErrUnauthorized) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%s: it says %v", name, err)
			}
		}
	}
	s.Open = true
	source, _ := open(t, only(), s.Settings(), nil)
	if told, err := source.(connectors.Tester).Test(t.Context()); err != nil || !strings.Contains(told, "acme/handbook") {
		t.Errorf("a public repository: %q, %v", told, err)
	}
	if changes, _ := read(t, source, ""); len(changes) != 1 {
		t.Errorf("a public repository has %d documents", len(changes))
	}
}

func TestHTTPS(t *testing.T) {
	s := gittest.NewHandler(t)
	server := httptest.NewTLSServer(s)
	defer server.Close()
	s.URL = server.URL
	s.Put(t, "a", "A", "text")
	stranger, _ := open(t, only(), s.Settings(), s.Secrets())
	if err := failure(t, stranger); !errors.Is(err, connectors.ErrUnexpected) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody has signed: %v", err)
	}
	trusting := only()
	defer trusting.CloseIdleConnections()
	trusting.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	source, _ := open(t, trusting, s.Settings(), s.Secrets())
	if changes, _ := read(t, source, ""); len(changes) != 1 {
		t.Errorf("%d documents", len(changes))
	}
}

func TestRepositoriesOnThisMachine(t *testing.T) {
	root := t.TempDir()
	r := gittest.NewRepository(t)
	r.Commit(t, map[string]string{"a.md": "a"})
	copyTo := func(name string) string {
		dir := filepath.Join(root, name)
		r.Git(t, "", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", dir)
		r.Git(t, "", "push", "--quiet", dir, "main")
		return dir
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	copyTo("allowed/bare.git")
	copyTo("allowed/tree/.git")
	copyTo("secret.git")
	borrowed := copyTo("allowed/borrowed.git")
	if err := os.WriteFile(filepath.Join(borrowed, "objects", "info", "alternates"), []byte(filepath.Join(root, "secret.git", "objects")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	linked := copyTo("allowed/linked.git")
	if err := errors.Join(os.RemoveAll(filepath.Join(linked, "objects")), os.Symlink(filepath.Join(root, "secret.git", "objects"), filepath.Join(linked, "objects"))); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "allowed/pointing"), 0o700), os.WriteFile(filepath.Join(root, "allowed/pointing/.git"), []byte("gitdir: "+root+"/secret.git\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	evil := copyTo("allowed/evil.git")
	marker := filepath.Join(root, "was-run")
	if err := os.WriteFile(filepath.Join(evil, "config"), []byte(fmt.Sprintf("[core]\n\tbare = true\n\tfsmonitor = touch %[1]s\n\thooksPath = %[1]s\n[uploadpack]\n\tpackObjectsHook = touch %[1]s\n[remote \"x\"]\n\tpromisor = true\n\turl = ext::touch %[1]s\n\tuploadpack = touch %[1]s\n[extensions]\n\tpartialClone = x\n", marker)), 0o600); err != nil {
		t.Fatal(err)
	}
	link("secret.git", "allowed/away.git")
	link("allowed/bare.git", "into.git")
	env := connectors.Environment{FilesRoots: []string{filepath.Join(root, "allowed")}}
	for path, reads := range map[string]bool{
		"allowed/bare.git": true, "allowed/tree": true, "into.git": true, "allowed/evil.git": true, "allowed/../allowed/bare.git": true,
		"secret.git": false, "allowed/away.git": false, "allowed/borrowed.git": false, "allowed/linked.git": false, "allowed/pointing": false,
		"allowed": false, "allowed/none.git": false, "allowed/bare.git/objects": false,
	} {
		for _, url := range []string{filepath.Join(root, path), "file://" + root + "/" + path} {
			env.WorkDir = t.TempDir()
			settings := map[string]string{"url": url}
			err := git.Kind().Validate(env, settings)
			if err == nil {
				source, failed := git.Kind().Open(env, settings)
				if err = failed; err == nil {
					err = failure(t, source)
				}
			}
			if reads != (err == nil) || err != nil && !errors.Is(err, cairn.ErrInvalid) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a command was run")
	}
}
