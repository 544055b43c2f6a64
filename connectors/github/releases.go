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
func (r *reading) releases(repo *repository, read *string) error {
	mark := repo.releasesMark()
	if *read == mark {
		return nil
	}
	for after := any(nil); mark != ""; {
		found, err := ask[struct {
			Node *struct{ Releases connection[release] }
		}](r.ctx, r.api, "the releases of a repository", allReleases, map[string]any{"repository": repo.ID, "after": after})
		if err == nil && found.Node == nil {
			err = r.partial("the releases of a repository")
		}
		if err != nil {
			return err
		}
		var changes []connectors.Change
		for _, l := range found.Node.Releases.Nodes {
			if !l.IsDraft {
				changes = append(changes, r.release(repo, l))
			}
		}
		if after, err = r.next("the releases of a repository", found.Node.Releases.PageInfo, after); err != nil {
			return err
		}
		if after == nil {
			*read = mark
			return r.emit(changes)
		}
		if err := r.emit(changes); err != nil {
			return err
		}
	}
	*read = mark
	return nil
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
