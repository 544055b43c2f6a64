package git

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/place"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// address is where a repository is: one of the three.
type address struct {
	web    *url.URL // http or https
	shell  *shell
	folder *place.Place
}

// shell is a repository that is reached by SSH.
type shell struct {
	user, host, port string
	path             string // as the server's git is told it
}

// name is what the repository's host is called in messages.
func (a address) name() string {
	switch {
	case a.web != nil:
		return a.web.Host
	case a.shell != nil:
		return a.shell.host
	}
	return "this server"
}

// repository is the path of the repository at its host, such as "acme/handbook".
func (a address) repository() string {
	switch {
	case a.web != nil:
		return trimGit(a.web.Path)
	case a.shell != nil:
		return trimGit(a.shell.path)
	}
	return trimGit(path.Base(a.folder.Path))
}

func trimGit(p string) string {
	return strings.TrimSuffix(strings.Trim(p, "/"), ".git")
}

// scp is the short form of an SSH address, as in git@github.com:acme/handbook.git.
var scp = regexp.MustCompile(`^(?:([^@:/]+)@)?([^@:/\[\]]+|\[[0-9a-fA-F:.]+\]):([^:].*)$`)

const forms = "give an address such as https://github.com/acme/handbook.git, ssh://git@git.example.com/acme/handbook.git, git@github.com:acme/handbook.git, or an absolute path on the server"

// parseAddress reads the setting url. Errors are ErrInvalid.
func parseAddress(env connectors.Environment, text string) (address, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return address{}, cairn.Errorf(cairn.ErrInvalid, "url: there is a control character in it; %s", forms)
	}
	scheme, _, whole := strings.Cut(text, "://")
	switch {
	case strings.HasPrefix(text, "/"), text == "~", strings.HasPrefix(text, "~/"):
		return folderAddress(env, text)
	case whole && (scheme == "http" || scheme == "https"):
		u, err := remote.ParseURL("url", text)
		if err == nil && strings.Trim(u.Path, "/") == "" {
			err = cairn.Errorf(cairn.ErrInvalid, "url: there is no repository in the address; %s", forms)
		}
		return address{web: u}, err
	case whole && scheme == "file":
		u, err := url.Parse(text)
		if err != nil || u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || u.Fragment != "" {
			return address{}, cairn.Errorf(cairn.ErrInvalid, "url: give the absolute path of the folder instead, such as /srv/git/handbook.git")
		}
		return folderAddress(env, u.Path)
	case whole && scheme == "ssh":
		return sshAddress(text)
	}
	if m := scp.FindStringSubmatch(text); m != nil && !whole {
		return shellAddress(m[1], strings.Trim(m[2], "[]"), "", m[3])
	}
	return address{}, cairn.Errorf(cairn.ErrInvalid, "url: this is no address of a repository that can be read; %s", forms)
}

func folderAddress(env connectors.Environment, text string) (address, error) {
	p, err := place.Absolute("url", text)
	return address{folder: &place.Place{Setting: "url", Path: p, Env: env}}, err
}

func sshAddress(text string) (address, error) {
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" || u.Fragment != "" {
		return address{}, cairn.Errorf(cairn.ErrInvalid, "url: %s", forms)
	}
	user := ""
	if u.User != nil {
		if _, there := u.User.Password(); there {
			return address{}, cairn.Errorf(cairn.ErrInvalid, "url: there is a password in the address; leave it out and give a key as the secret setting ssh_key")
		}
		user = u.User.Username()
	}
	p := u.Path
	if strings.HasPrefix(p, "/~") {
		p = p[1:]
	}
	return shellAddress(user, u.Hostname(), u.Port(), p)
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9.])?$`)

func shellAddress(user, host, port, p string) (address, error) {
	s := &shell{user: user, host: host, port: port, path: p}
	if s.user == "" {
		s.user = "git"
	}
	if s.port == "" {
		s.port = "22"
	}
	if !hostName.MatchString(host) || strings.HasPrefix(s.user, "-") || strings.HasPrefix(p, "-") || strings.Trim(p, "/") == "" {
		return address{}, cairn.Errorf(cairn.ErrInvalid, "url: %s", forms)
	}
	return address{shell: s}, nil
}

// at is the host with its port.
func (s *shell) at() string { return net.JoinHostPort(s.host, s.port) }

// command is what the server is asked to run, quoted for its shell.
func (s *shell) command() string {
	return "git-upload-pack '" + strings.NewReplacer(`'`, `'\''`, `!`, `'\!'`).Replace(s.path) + "'"
}
