package github

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
	"github.com/cairnhq/cairn/connectors/internal/selection"
)

// wikiPage is how many pages of a wiki there are between one cursor and the next.
const wikiPage = 50

// wiki reads the pages of a repository's wiki that changed between two commits.
func (r *reading) wiki(repo *repository, p *place) error {
	var w *wiki
	if repo.HasWikiEnabled {
		var err error
		if w, err = r.wikis.open(r.ctx, repo); err != nil {
			return r.unread(repo, err)
		}
	}
	if w == nil || w.repository == nil {
		p.Wiki = nil
		return nil
	}
	at := gitrepo.Begin("")
	if p.Wiki != nil && p.Wiki.Valid() {
		at = *p.Wiki
	}
	pending, err := w.repository.Pending(r.ctx, w.commit, w.pages, at, nil)
	if err != nil {
		return err
	}
	var former map[string]string
	if len(pending) > 0 {
		if err := r.still(r.ctx, repo); err != nil {
			return errors.Join(err, r.wikis.drop(repo))
		}
		if former, err = w.repository.Former(r.ctx, w.commit, w.pages, at); err != nil {
			return err
		}
	}
	for page := range slices.Chunk(pending, wikiPage) {
		changes := make([]connectors.Change, len(page))
		for i, f := range page {
			c := r.page(repo, w, f)
			if from, ok := former[f.Path]; ok && isPage(from) {
				c.From = repo.wikiExternal(gitrepo.File{Path: from})
			}
			changes[i] = repo.change(c)
			at = at.Told(f.Path, w.commit)
		}
		p.Wiki = &at
		if err := r.emit(changes); err != nil {
			return err
		}
	}
	at = at.Everything(w.commit)
	p.Wiki = &at
	return nil
}

// errWiki is what is wrong with one wiki, which stops no other part of a source.
var errWiki = errors.New("a wiki could not be read")

// unread says what becomes of a reading that cannot read a wiki. What this machine cannot
// read is passed over: a warning tells of it at the end.
func (r *reading) unread(repo *repository, err error) error {
	unable := (*unableError)(nil)
	switch {
	case errors.As(err, &unable):
	case errors.Is(err, connectors.ErrUnexpected), errors.Is(err, connectors.ErrTooLarge):
		return fmt.Errorf("%w: %w", errWiki, err)
	default:
		return err
	}
	if r.unable.Err == nil {
		r.unable.Err = unable.err
		r.unable.Code = "wikis_unreadable"
		r.unable.Reason = fmt.Sprintf("The wikis of repositories, such as %s, are not read: %s. Leave wiki out of the setting read where they are not wanted.", repo.NameWithOwner, unable)
	}
	return nil
}

// warning is the external id under which it is told that wikis cannot be read. It is in no
// listing, so that it goes when they can be.
const warning = "wikis"

// warn tells that wikis could not be read.
func (r *reading) warn() error {
	if r.unable.Err == nil {
		return nil
	}
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	if !r.yield(connectors.Change{External: warning, Err: &r.unable}, nil) {
		return errStopped
	}
	return nil
}

// page describes a page of a wiki.
func (r *reading) page(repo *repository, w *wiki, f gitrepo.Pending) connectors.Change {
	readable := selection.Readable(f.Path)
	title := strings.TrimSpace(strings.ReplaceAll(pageName(readable), "-", " "))
	return connectors.Change{
		External: repo.wikiExternal(f.File),
		Metadata: connectors.Metadata{
			Title: title, URL: repo.URL + "/wiki/" + url.PathEscape(pageName(f.Path)), Author: f.Origin.Author, Kind: cairn.KindPage,
			MediaType: pageTypes[strings.ToLower(path.Ext(f.Path))], Filename: path.Base(readable), Size: max(f.Size, 0), Modified: f.Origin.At,
			Attributes: map[string]string{"repository": repo.NameWithOwner, "path": readable},
			Revision:   revision(f.Origin.At, repo.NameWithOwner, f.OID, f.Origin.Commit),
		},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			if f.Size < 0 || f.Size > maxPage {
				return nil, &connectors.DocumentError{Code: "too_large", Reason: fmt.Sprintf("The page has more than %d MB.", maxPage>>20)}
			}
			return w.repository.Open(ctx, f.File)
		},
	}
}

// wikiExternal returns the external id of a page of the repository's wiki.
func (r *repository) wikiExternal(f gitrepo.File) string {
	return r.key() + "/wiki/" + selection.Readable(f.Path)
}

// listWiki yields the pages of a repository's wiki, and reports whether there was no error
// and more is wanted. Where this machine cannot read a wiki that has pages, the list is
// incomplete: another may have read it.
func (s *source) listWiki(ctx context.Context, repo *repository, yield func(string, error) bool) bool {
	if !s.settings.read[wikiPages] || !repo.HasWikiEnabled {
		return true
	}
	w, err := s.wikis.open(ctx, repo)
	if err != nil {
		yield("", err)
		return false
	}
	for _, f := range w.pages {
		if err := context.Cause(ctx); err != nil {
			yield("", err)
			return false
		}
		if !yield(repo.wikiExternal(f), nil) {
			return false
		}
	}
	return true
}
