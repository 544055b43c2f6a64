package github

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// release is a release.
type release struct {
	DatabaseID      int64
	Name            string
	TagName         string
	URL             string
	Author          *account
	CreatedAt       time.Time
	UpdatedAt       time.Time
	IsDraft         bool
	IsPrerelease    bool
	DescriptionHTML string
}

// releases reads the releases of a repository, all of them when one has changed.
func (r *reading) releases(repo *repository, read *marked) error {
	mark, last := repo.releasesMark()
	if mark == "" {
		*read = marked{}
		return nil
	}
	if read.Mark == mark && read.Settled {
		return nil
	}
	const what = "the releases of a repository"
	now := marked{Mark: mark}
	for after, first := any(nil), true; ; first = false {
		found, failed, res, err := query[struct {
			Node *struct {
				Visibility string
				Releases   connection[release]
			}
		}](r.ctx, r.api, what, allReleases, map[string]any{"repository": repo.ID, "after": after})
		if err == nil && (found.Node == nil || len(failed) > 0) {
			err = r.partial(what, failed...)
		}
		if err == nil && found.Node.Visibility != repo.Visibility {
			err = repo.replaced()
		}
		if err != nil {
			return err
		}
		if first {
			now.Settled = r.serverTime(res).Sub(last) > overlap
		}
		var changes []connectors.Change
		for _, l := range found.Node.Releases.Nodes {
			if !l.IsDraft {
				changes = append(changes, r.release(repo, l))
			}
		}
		if after, err = r.next(what, found.Node.Releases.PageInfo, after); err != nil {
			return err
		}
		if after == nil {
			*read = now
		}
		if err := r.emit(changes); err != nil || after == nil {
			return err
		}
	}
}

func (r *reading) release(repo *repository, l release) connectors.Change {
	title := cmp.Or(l.Name, l.TagName)
	state := "release"
	if l.IsPrerelease {
		state = "prerelease"
	}
	return repo.change(connectors.Change{
		External: repo.external("release", l.DatabaseID),
		Metadata: connectors.Metadata{
			Title: title, URL: l.URL, Author: l.Author.name(), Kind: kindRelease, MediaType: "text/html",
			Created: l.CreatedAt.UTC(), Modified: l.UpdatedAt.UTC(),
			Attributes: map[string]string{"repository": repo.NameWithOwner, "tag": l.TagName, "state": state},
			Revision:   revision(l.UpdatedAt, repo.NameWithOwner, title, l.TagName, state, l.DescriptionHTML),
		},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			return io.NopCloser(bytes.NewReader(renderRelease(repo.NameWithOwner, l))), nil
		},
	})
}
