package postgres

import (
	"context"
	"iter"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

// move is a change from one ACL to another, by their hashes. From an ACL to itself it is
// that of a document whose readers may be others because a group is.
type move struct{ from, to [32]byte }

// tally adds up who loses and who gains documents, in one state of the database.
type tally struct {
	q    querier
	then *siteGroups // of a source, after the change; nil: those that there are

	accounts     []cairn.Account
	lost, gained []int // documents, of each account
	documents    int
}

// tallyKeys bounds how many keys are looked up at once: of each there is a set of
// accounts.
const tallyKeys = 2000

// add adds documents up. acls has those of the moves.
func (t *tally) add(ctx context.Context, moves map[move]int, acls map[[32]byte]cairn.ACL) error {
	part, keys := make(map[move]int), make(map[cairn.PrincipalKey]struct{})
	for m, documents := range moves {
		part[m] = documents
		for _, hash := range [][32]byte{m.from, m.to} {
			for k := range keysNamed(acls[hash]) {
				keys[k] = struct{}{}
			}
		}
		if len(keys) < tallyKeys {
			continue
		}
		if err := t.addPart(ctx, part, acls); err != nil {
			return err
		}
		clear(part)
		clear(keys)
	}
	if t.accounts != nil && len(part) == 0 {
		return nil
	}
	return t.addPart(ctx, part, acls)
}

// keysNamed yields the keys that an ACL names.
func keysNamed(a cairn.ACL) iter.Seq[cairn.PrincipalKey] {
	return func(yield func(cairn.PrincipalKey) bool) {
		for _, keys := range append([][]cairn.PrincipalKey{a.Deny}, a.Allow...) {
			for _, k := range keys {
				if !yield(k) {
					return
				}
			}
		}
	}
}

// addPart adds up documents whose ACLs name few keys.
func (t *tally) addPart(ctx context.Context, moves map[move]int, acls map[[32]byte]cairn.ACL) error {
	before, after, err := t.readers(ctx, moves, acls)
	if err != nil {
		return err
	}
	if t.accounts == nil {
		t.accounts = before.accounts
		t.lost, t.gained = make([]int, len(t.accounts)), make([]int, len(t.accounts))
	}
	for m, documents := range moves {
		was, is := before.of(acls[m.from]), after.of(acls[m.to])
		lose, gain := was.without(is), is.without(was)
		if m.from != m.to || lose.len()+gain.len() > 0 {
			t.documents += documents
		}
		for account := range lose.all() {
			t.lost[account] += documents
		}
		for account := range gain.all() {
			t.gained[account] += documents
		}
	}
	return nil
}

// readers reads who is admitted by the ACLs of moves before and after.
func (t *tally) readers(ctx context.Context, moves map[move]int, acls map[[32]byte]cairn.ACL) (before, after *readers, err error) {
	named := func(yield func(cairn.ACL) bool) {
		for m := range moves {
			if !yield(acls[m.from]) || !yield(acls[m.to]) {
				return
			}
		}
	}
	if before, err = readReaders(ctx, t.q, named, nil); err != nil || t.then == nil {
		return before, before, err
	}
	after, err = readReaders(ctx, t.q, named, t.then)
	return before, after, err
}

// change returns what was added up.
func (t *tally) change() api.AccessChange {
	return api.AccessChange{Documents: t.documents, Lose: t.changes(t.lost), Gain: t.changes(t.gained)}
}

func (t *tally) changes(documents []int) []api.AccountChange {
	var out []api.AccountChange
	for i, a := range t.accounts {
		if documents[i] > 0 {
			out = append(out, api.AccountChange{Account: a, Documents: documents[i]})
		}
	}
	return out
}
