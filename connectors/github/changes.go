package github

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// Changes implements connectors.Connector.
func (s *source) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		r := &reading{source: s, ctx: ctx, yield: yield, cursor: decode(since)}
		r.told = r.cursor.encode()
		if err := r.run(); err != nil && !errors.Is(err, errStopped) {
			yield(connectors.Change{}, err)
		}
	}
}

// errStopped ends a reading of which the caller wants no more.
var errStopped = errors.New("stopped")

// reading is one reading of the changes.
type reading struct {
	*source
	ctx    context.Context
	yield  func(connectors.Change, error) bool
	cursor *cursor
	told   connectors.Cursor        // the last that was yielded
	unable connectors.DocumentError // why wikis were not read; its Err is nil: they were
}

func (r *reading) run() error {
	var all []repository
	for repo, err := range r.repositories(r.ctx, heads, r.reads()) {
		if err != nil {
			return err
		}
		all = append(all, repo)
	}
	places := make(map[string]*place, len(all))
	for i := range all {
		repo := &all[i]
		places[repo.key()] = r.place(repo)
	}
	r.cursor.Places = places
	var refused error // what is wrong with one repository stops no other
	for i := range all {
		err := r.repository(&all[i], places[all[i].key()])
		switch {
		case errors.Is(err, connectors.ErrForbidden), errors.Is(err, errWiki), errors.Is(err, errReplaced):
			refused = err
		case err != nil:
			return err
		}
	}
	if err := r.wikis.keep(all, r.settings.read[wikiPages]); err != nil {
		return err
	}
	if err := r.checkpoint(); err != nil {
		return err
	}
	if err := r.warn(); err != nil {
		return err
	}
	return refused
}

// place returns how far a repository was read. What it is called, who may read it and
// what is read of it stand in all of its documents.
func (r *reading) place(repo *repository) *place {
	key := repo.NameWithOwner + " " + repo.Visibility + " " + r.settings.state
	if p := r.cursor.Places[repo.key()]; p != nil && p.Key == key {
		return p
	}
	return &place{Key: key}
}

// repository reads what changed in a repository.
func (r *reading) repository(repo *repository, p *place) error {
	if r.settings.read[issues] || r.settings.read[pulls] {
		if err := r.issues(repo, &p.Issues); err != nil {
			return err
		}
	}
	if r.settings.read[discussions] {
		if err := r.discussions(repo, &p.Discussions); err != nil {
			return err
		}
	}
	if r.settings.read[releases] {
		if err := r.releases(repo, &p.Releases); err != nil {
			return err
		}
	}
	if r.settings.read[wikiPages] {
		return r.wiki(repo, p)
	}
	p.Wiki = nil
	return nil
}

// emit yields the changes of a page, and with the last one the cursor, which is behind
// them all.
func (r *reading) emit(changes []connectors.Change) error {
	for i, c := range changes {
		if i == len(changes)-1 {
			c.Cursor = r.cursor.encode()
			r.told = c.Cursor
		}
		if err := context.Cause(r.ctx); err != nil {
			return err
		}
		if !r.yield(c, nil) {
			return errStopped
		}
	}
	if len(changes) == 0 {
		return r.checkpoint()
	}
	return nil
}

// checkpoint yields the cursor alone, when it has moved.
func (r *reading) checkpoint() error {
	if err := context.Cause(r.ctx); err != nil {
		return err
	}
	at := r.cursor.encode()
	if at == r.told {
		return nil
	}
	r.told = at
	if !r.yield(connectors.Change{Op: connectors.Checkpoint, Cursor: at}, nil) {
		return errStopped
	}
	return nil
}

// settle notes that changes were read up to the newest at a time of GitHub's clock.
func (p *position) settle(read time.Time) { p.Settled = read.Sub(p.At) > overlap }

// advance moves a position ahead to a change.
func (p *position) advance(to time.Time) {
	if to.After(p.At) {
		p.At, p.Settled = to.UTC(), false
	}
}

// change completes a change of a document in a repository: who may read it.
func (repo *repository) change(c connectors.Change) connectors.Change {
	if c.Op != connectors.Upsert {
		return c
	}
	if c.ACL = repo.acl(); c.ACL != nil {
		return c
	}
	return connectors.Change{External: c.External, Err: errUntold}
}

var errUntold = &connectors.DocumentError{
	Code: connectors.PermissionsNotUnderstood, Reason: "Its repository is visible in a way that Cairn does not know.",
}
