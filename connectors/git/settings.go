package git

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// defaultSize is the setting max_size where it is not set: longer files of text are
// rare, and what was generated or recorded is not fetched.
const defaultSize = "10MB"

func settings() []connectors.Setting {
	return []connectors.Setting{
		{Name: "url", Required: true, Help: "the repository: https://…, ssh://…, git@host:path, or an absolute path on the server"},
		{Name: "branch", Help: "the branch that is read; unset: the one that the repository names (HEAD)"},
		{Name: "include", Help: "only files that match one of these globs, such as *.md,docs/**; separated by commas or lines"},
		{Name: "exclude", Help: "no files or folders that match one of these globs, such as testdata,**/*.min.js"},
		{Name: "skip_folders", Help: "names of folders that are skipped wherever they are; unset: " + selection.DefaultSkipped},
		{Name: "max_size", Help: "larger files are reported and not fetched, such as 2MB; unset: " + defaultSize},
		{Name: "commits", Help: "how many of the newest commits are documents, too: a number, or all; unset: none"},
		{Name: "link", Help: "how the site's pages are addressed: github, gitlab, gitea, bitbucket, bitbucket-server, azure, none, or a template such as https://git.example.com/r/plain/{path}?id={commit}; unset: told by the host"},
		{Name: "web_url", Help: "address of the repository's page, where it is not that of url"},
		{Name: "user", Help: "user name that goes with the token; unset: git, which most sites take"},
		{Name: "token", Secret: true, Help: "token or password that reads the repository over HTTPS"},
		{Name: "known_hosts", Help: "the host's public keys for SSH: lines as ssh-keyscan prints them, compared with what the site publishes"},
		{Name: "ssh_key", Secret: true, Help: "private key that reads the repository over SSH (PEM or OpenSSH)"},
		{Name: "ssh_passphrase", Secret: true, Help: "passphrase of ssh_key, where it has one"},
	}
}

// config is what the settings say.
type config struct {
	address    address
	branch     string // empty: HEAD
	include    selection.Globs
	exclude    selection.Globs
	skip       map[string]bool // names of folders
	maxSize    int64
	commits    int // 0: none; allCommits
	link       links
	user       string
	knownHosts string
	hash       string // of what decides which documents there are and what is told of them
}

// allCommits is as many as there are.
const allCommits = 1 << 40

// branchName is what git check-ref-format lets through, and a little less.
var branchName = regexp.MustCompile(`^[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]*$`)

// parse reads the settings. It touches neither network nor disk. Errors are ErrInvalid.
func parse(env connectors.Environment, set map[string]string) (*config, error) {
	c := &config{branch: strings.TrimSpace(set["branch"]), user: set["user"], skip: map[string]bool{}}
	var err error
	if c.address, err = parseAddress(env, set["url"]); err != nil {
		return nil, err
	}
	if c.branch != "" && (!branchName.MatchString(c.branch) || strings.Contains(c.branch, "..") || strings.Contains(c.branch, "@{") || strings.HasSuffix(c.branch, "/")) {
		return nil, cairn.Errorf(cairn.ErrInvalid, "branch: %q is no name of a branch, such as main", c.branch)
	}
	if c.user == "" {
		c.user = "git"
	}
	if c.commits, err = parseCommits(set["commits"]); err != nil {
		return nil, err
	}
	if c.link, err = parseLinks(c.address, set["link"], set["web_url"]); err != nil {
		return nil, err
	}
	if c.knownHosts, err = parseKnownHosts(c.address, set["known_hosts"]); err != nil {
		return nil, err
	}
	if err := c.parseSelection(set); err != nil {
		return nil, err
	}
	c.hash = hashOf(set)
	return c, nil
}

func (c *config) parseSelection(set map[string]string) (err error) {
	if c.include, err = selection.ParseGlobs("include", set["include"]); err != nil {
		return err
	}
	if c.exclude, err = selection.ParseGlobs("exclude", set["exclude"]); err != nil {
		return err
	}
	size, skipped := set["max_size"], set["skip_folders"]
	if size == "" {
		size = defaultSize
	}
	if c.maxSize, err = selection.ParseSize("max_size", size); err != nil {
		return err
	}
	if _, ok := set["skip_folders"]; !ok {
		skipped = selection.DefaultSkipped
	}
	for _, name := range selection.Split(skipped, ",\n") {
		if strings.ContainsRune(name, '/') {
			return cairn.Errorf(cairn.ErrInvalid, "skip_folders: %q is a path; give names of folders, or put the path into exclude", name)
		}
		c.skip[name] = true
	}
	return nil
}

func parseCommits(text string) (int, error) {
	switch text {
	case "":
		return 0, nil
	case "all":
		return allCommits, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 1_000_000_000 {
		return 0, cairn.Errorf(cairn.ErrInvalid, "commits: %q is neither a number, such as 1000, nor all", text)
	}
	return n, nil
}

// hashOf covers the settings without those that only open the way to the repository.
func hashOf(set map[string]string) string {
	h := sha256.New()
	for _, s := range settings() {
		if slices.Contains([]string{"user", "known_hosts"}, s.Name) || s.Secret {
			continue
		}
		value, there := set[s.Name]
		if there {
			h.Write([]byte(s.Name + "\x00" + value + "\x00"))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
