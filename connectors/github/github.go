// Package github reads issues, pull requests with reviews, discussions, releases and wikis
// of the repositories of GitHub's organisations and users, at github.com, GHE.com or a
// GitHub Enterprise Server.
//
// It asks with typed calls of its own, a dozen: the content, the repositories and the
// people come by GraphQL, which no well-kept Go client covers in a way that keeps types,
// and of REST three calls are left. A client such as go-github keeps count of rate limits
// by itself and refuses to send, beside the pace that package remote keeps for all
// replicas.
//
// How it reads:
//
//   - One query per 25 repositories tells their visibility and when their issues, pull
//     requests and discussions last changed. What did not change is not asked further.
//   - Issues and pull requests come in the order of their last change (REST, since and
//     sort=updated), so that a reading can be broken off anywhere. Discussions come from
//     the newest change back to what is known.
//   - Texts with comments and reviews are fetched ten documents a query, when they are
//     opened.
//   - A wiki is a git repository, of which a copy is kept; what changed is what two commits
//     differ in. See wikis.go.
//   - GitHub tells of no deletions. Externals lists the numbers, 100 a query.
//   - One query per 100 repositories tells their visibility, which is all that the ACLs of
//     documents follow from.
//
// Who may read a private repository is a group of its own, so that documents keep their
// ACLs when people come and go; see directory.go.
package github

import (
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// Kind returns the kind of source "github".
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "github",
		SyncEvery: 30 * time.Minute,
		ReadsACL:  true,
		Settings: []connectors.Setting{
			{Name: "owner", Required: true, Help: "organisations and users whose repositories are read, separated by commas, as in acme, acme-labs"},
			{Name: "url", Help: "address of a GHE.com or GitHub Enterprise Server site; default: https://github.com"},
			{Name: "repos", Help: "globs of repositories, as in handbook, infra-*, !acme/secret-*; default: all"},
			{Name: "read", Help: "what is read of issues, pulls, discussions, releases, wiki; default: all five"},
			{Name: "state", Help: "which issues, pull requests and discussions: open, closed or all (the default)"},
			{Name: "people", Help: "addresses of people that GitHub does not tell, as in octocat=ann@example.com, hubot=bob@example.com"},
			{Name: "app", Help: "id of a GitHub App, whose private_key is then the credential; without it, the token is"},
			{Name: "installation", Help: "id of the App's installation at the owner: the number at the end of the address of its page"},
			{Name: "token", Secret: true, Help: "personal access token, fine-grained or classic (repo, read:org)"},
			{Name: "private_key", Secret: true, Help: "private key of the App, the PEM file that GitHub gives out"},
			{Name: connectors.HookSecret, Secret: true, Help: "secret of the webhook by which GitHub tells of changes"},
		},
		Hook: hook(),
		Check: func(_ connectors.Environment, settings map[string]string) error {
			_, err := parse(settings)
			return err
		},
		Open: open,
	}
}

// source is the connector.
type source struct {
	*api
	settings *parsed
	wikis    *wikis
}

var (
	_ connectors.Lister    = (*source)(nil)
	_ connectors.Parts     = (*source)(nil)
	_ connectors.Directory = (*source)(nil)
	_ connectors.Tester    = (*source)(nil)
)

func open(env connectors.Environment, settings map[string]string) (connectors.Connector, error) {
	p, err := parse(settings)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(env, p)
	if err != nil {
		return nil, err
	}
	w, err := newWikis(env, p, a)
	if err != nil {
		return nil, err
	}
	return &source{api: a, settings: p, wikis: w}, nil
}
