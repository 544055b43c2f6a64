package github

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// repository is a repository with the newest of what it holds.
type repository struct {
	ID             string
	DatabaseID     int64
	NameWithOwner  string
	URL            string
	Visibility     string
	HasWikiEnabled bool
	Owner          struct{ Login string }
	Issues         connection[changed]
	PullRequests   connection[changed]
	Discussions    connection[changed]
	Releases       connection[changedRelease]
}

type changed struct{ UpdatedAt time.Time }

type changedRelease struct {
	DatabaseID int64
	UpdatedAt  time.Time
}

// newest returns when the things of a page, of which the newest comes first, last
// changed; the zero time when there are none.
func newest(held connection[changed]) time.Time {
	if len(held.Nodes) == 0 {
		return time.Time{}
	}
	return held.Nodes[0].UpdatedAt
}

// releasesMark changes when a release is made, deleted, or one of the hundred newest is
// edited, but for a second edit within a second; empty when there is none. last is when
// they last changed.
func (r *repository) releasesMark() (mark string, last time.Time) {
	if r.Releases.TotalCount == 0 {
		return "", last
	}
	h := sha256.New()
	fmt.Fprintln(h, r.Releases.TotalCount)
	for _, release := range r.Releases.Nodes {
		fmt.Fprintln(h, release.DatabaseID, release.UpdatedAt.Unix())
		if release.UpdatedAt.After(last) {
			last = release.UpdatedAt
		}
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9]), last
}

// key is the repository's own, whatever its name.
func (r *repository) key() string { return strconv.FormatInt(r.DatabaseID, 10) }

// external returns the external id of something in the repository, which is that of the
// repository with the kind and the number of the thing.
func (r *repository) external(kind string, number int64) string {
	return r.prefix() + kind + "/" + strconv.FormatInt(number, 10)
}

// prefix is what the external ids of all that is in the repository begin with.
func (r *repository) prefix() string { return r.key() + "/" }

// path is where the repository is in the REST API; owner and name are safe in addresses.
func (r *repository) path() string { return "repos/" + r.NameWithOwner }

// group is the name of the group of those who may read the repository: by its id, since
// another repository may come to have its name.
func (r *repository) group() string { return "repository-" + r.key() }

// acl returns who may read what a repository holds. Internal ones are readable by all of
// an enterprise, of whom the members of the organisation are known. nil: nobody can tell.
func (r *repository) acl() *cairn.ACL {
	var acl cairn.ACL
	switch r.Visibility {
	case "PUBLIC":
		acl = cairn.Allow(cairn.Everyone)
	case "INTERNAL":
		acl = cairn.Allow(connectors.SiteGroup(r.Owner.Login), connectors.SiteGroup(r.group()))
	case "PRIVATE":
		acl = cairn.Allow(connectors.SiteGroup(r.group()))
	default:
		return nil
	}
	return &acl
}

// The fields that replies about owners have in common.
type ownedBy[T any] struct {
	RepositoryOwner *struct {
		Typename     string `json:"__typename"`
		Repositories connection[T]
	}
}

// repositoriesOf yields the repositories of an owner that are to be read, as a query
// tells of them. name returns name and id of one.
func repositoriesOf[T any](ctx context.Context, s *source, owner, text string, variables map[string]any, name func(T) (string, int64)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var missing error
		variables["login"] = owner
		page := func(found *ownedBy[T]) *connection[T] {
			if found.RepositoryOwner == nil {
				missing = s.noOwner(owner)
				return nil
			}
			return &found.RepositoryOwner.Repositories
		}
		for r, err := range ofOwner(ctx, s.api, "the repositories of an owner", text, variables, page) {
			if missing != nil {
				err = missing
			}
			if err == nil {
				full, id := name(r)
				if id == 0 { // all would be one
					err = s.partial("the repositories of an owner")
				} else if !s.settings.wants(full) {
					continue
				}
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// errReplaced is why one repository is not read on, which stops no other.
var errReplaced = errors.New("a repository was replaced while it was read")

// still asks whether a repository is what it was when the reading began, and returns
// errReplaced when its name belongs to another one by now, or others may see it. It is
// called between asking for something by the name and telling of it: who may read that is
// known by the id.
func (a *api) still(ctx context.Context, r *repository) error {
	const what = "a repository"
	owner, name, _ := strings.Cut(r.NameWithOwner, "/")
	found, failed, _, err := query[struct {
		Repository *struct {
			DatabaseID int64
			Visibility string
		}
	}](ctx, a, what, current, map[string]any{"owner": owner, "name": name})
	switch {
	case err != nil:
		return err
	case len(failed) > 0 && failed[0].Type != "NOT_FOUND":
		return a.partial(what, failed...)
	case found.Repository == nil, found.Repository.DatabaseID != r.DatabaseID, found.Repository.Visibility != r.Visibility:
		return r.replaced()
	}
	return nil
}

// replaced returns errReplaced for the repository.
func (r *repository) replaced() error {
	return fmt.Errorf("%w: %w", errReplaced, &connectors.Error{Kind: connectors.ErrUnavailable, Message: r.NameWithOwner + " is another repository by now, or has another visibility: the next sync reads it"})
}

// repositories yields the repositories that are to be read, as a query tells of them.
func (s *source) repositories(ctx context.Context, text string, variables map[string]any) iter.Seq2[repository, error] {
	return func(yield func(repository, error) bool) {
		for _, owner := range s.settings.owners {
			for r, err := range repositoriesOf(ctx, s, owner, text, variables, func(r repository) (string, int64) { return r.NameWithOwner, r.DatabaseID }) {
				if !yield(r, err) || err != nil {
					return
				}
			}
		}
	}
}

// Parts implements connectors.Parts: a repository is a part.
func (s *source) Parts(ctx context.Context) iter.Seq2[connectors.Part, error] {
	return func(yield func(connectors.Part, error) bool) {
		for r, err := range s.repositories(ctx, visibilities, map[string]any{}) {
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(connectors.Part{}, err)
				return
			}
			p := connectors.Part{Prefix: r.prefix(), ACL: r.acl()}
			if p.ACL == nil {
				p.Err = errUntold
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

func (s *source) noOwner(name string) error {
	return &connectors.Error{Kind: connectors.ErrNotFound, Message: s.client.Host() + " has no organisation or user " + name + ", or none that the credential sees: check the setting owner"}
}

// reads are the variables that say what is read.
func (s *source) reads() map[string]any {
	return map[string]any{
		"issues": s.settings.read[issues], "pulls": s.settings.read[pulls],
		"discussions": s.settings.read[discussions], "releases": s.settings.read[releases],
	}
}
