package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// journal is a site that tells what happened, in order: a document may come again and
// again. Not everything is told: what vanishes may be missing from the listing alone.
type journal struct {
	wall
	entries []connectors.Change // each as it was told
	replays bool                // from the beginning it tells them all; else what is there
	gone    map[string]string   // texts of documents that are not there
	people  []cairn.Account
	n       int
}

func newJournal(people []cairn.Account) *journal {
	j := &journal{gone: map[string]string{}, people: people}
	j.files, j.acls, j.untold = map[string]string{}, map[string]cairn.ACL{}, map[string]error{}
	return j
}

func (j *journal) Changes(ctx context.Context, since connectors.Cursor) iter.Seq2[connectors.Change, error] {
	return func(yield func(connectors.Change, error) bool) {
		from, _ := strconv.Atoi(string(since))
		if from == 0 && !j.replays {
			for c, err := range j.shelf.Changes(ctx, "") {
				if !yield(c, err) {
					return
				}
			}
			from = len(j.entries)
			yield(connectors.Change{Op: connectors.Checkpoint, Cursor: connectors.Cursor(strconv.Itoa(from))}, nil)
			return
		}
		for i, c := range j.entries[from:] {
			c.Cursor = connectors.Cursor(strconv.Itoa(from + i + 1))
			if !yield(c, nil) {
				return
			}
		}
	}
}

// parted is a journal that tells permissions of parts.
type parted struct {
	*journal
	parts []connectors.Part
}

// Permissions hides that of the journal.
func (*parted) Permissions() {}

func (p *parted) Parts(context.Context) iter.Seq2[connectors.Part, error] {
	return func(yield func(connectors.Part, error) bool) {
		for _, part := range p.parts {
			if !yield(part, nil) {
				return
			}
		}
		if p.breaks > 0 {
			yield(connectors.Part{}, errors.New("page 7 of the list failed"))
		}
	}
}

// inParts draws the permissions of parts, some of which are not there.
func (j *journal) inParts(rt *rapid.T) *parted {
	p := &parted{journal: j}
	for i := range 10 {
		if one(rt, 2, "part") {
			continue
		}
		part := connectors.Part{Prefix: fmt.Sprintf("d%d", i), Err: rapid.SampledFrom(untold).Draw(rt, "untold")}
		if acl := j.acl(rt); part.Err == nil {
			part.ACL = acl
		}
		p.parts = append(p.parts, part)
	}
	return p
}

// untold are ways not to tell who may read something; mostly it is told.
var untold = []error{
	nil, nil, nil, nil, errors.New("forbidden"),
	&connectors.DocumentError{Code: connectors.PermissionsUnknown, Reason: "Nobody knows."},
	&connectors.DocumentError{Code: connectors.PermissionsNotUnderstood, Reason: "A new way."},
}

// name draws a name, of few, so that they are taken again and again.
func (*journal) name(rt *rapid.T) string {
	return fmt.Sprintf("d%d.md", rapid.IntRange(0, 13).Draw(rt, "document"))
}

// tell adds an entry, or keeps it back.
func (j *journal) tell(rt *rapid.T, c connectors.Change) {
	if !one(rt, 2, "told") {
		j.entries = append(j.entries, c)
	}
}

var steps = []string{"put", "move", "remove", "rename", "permit", "swap", "unmount", "back", "copy", "fail", "untold", "members"}

// step is one thing that happens at the site.
func (j *journal) step(rt *rapid.T) {
	j.n++
	name := j.name(rt)
	_, there := j.files[name]
	switch step := rapid.SampledFrom(steps).Draw(rt, "step"); {
	case step == "put":
		j.put(rt, name, fmt.Sprintf("# %s\n\nText number %d.", name, j.n), "")
	case step == "back" && !there && j.gone[name] != "":
		j.put(rt, name, j.gone[name], "")
	case step == "members":
		j.meet(rt)
	case step == "unmount":
		for _, name := range slices.Sorted(maps.Keys(j.files))[len(j.files)/2:] {
			j.remove(rt, name)
		}
	case !there:
	case step == "permit":
		j.permit(rt, name)
		j.tell(rt, connectors.Change{Op: connectors.SetACL, External: name, ACL: j.change(name).ACL})
	case step == "fail":
		err := rapid.SampledFrom(untold[5:]).Draw(rt, "failure")
		if rapid.Bool().Draw(rt, "unreadable") {
			err = &connectors.DocumentError{Code: "unreadable", Reason: "Nobody may open it."}
		}
		j.entries = append(j.entries, connectors.Change{External: name, Err: err})
	case step == "untold":
		j.untold[name] = rapid.SampledFrom(untold).Draw(rt, "untold")
	case step == "remove":
		j.remove(rt, name)
	case step == "move":
		j.move(rt, name, j.name(rt), fmt.Sprintf("# %s\n\nText number %d.", name, j.n), name)
	case step == "rename":
		j.move(rt, name, j.name(rt), j.files[name], "")
	case step == "copy":
		if to := j.name(rt); j.files[to] == "" {
			j.put(rt, to, j.files[name], "")
		}
	case step == "swap":
		if other := j.name(rt); other != name && j.files[other] != "" && j.files["between.md"] == "" {
			was := j.files[other]
			j.move(rt, name, "between.md", j.files[name]+" On its way.", name)
			j.move(rt, other, name, was, other)
			j.move(rt, "between.md", other, j.files["between.md"], "between.md")
		}
	}
}

// put makes or changes a document, which had another name before, or none.
func (j *journal) put(rt *rapid.T, name, text, from string) {
	j.files[name] = text
	j.permit(rt, name)
	c := j.change(name)
	c.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
	c.From = from
	j.entries = append(j.entries, c)
}

func (j *journal) remove(rt *rapid.T, name string) {
	j.gone[name] = j.files[name]
	delete(j.files, name)
	delete(j.acls, name)
	delete(j.untold, name)
	j.tell(rt, connectors.Change{Op: connectors.Delete, External: name})
}

// move gives a document a name that is free. That the old one is gone may be told before
// and after.
func (j *journal) move(rt *rapid.T, name, to, text, from string) {
	if _, taken := j.files[to]; taken {
		return
	}
	if rapid.Bool().Draw(rt, "gone first") {
		j.remove(rt, name)
		j.put(rt, to, text, from)
		return
	}
	j.put(rt, to, text, from)
	j.remove(rt, name)
}

// permit gives a document other permissions, or none of its own.
func (j *journal) permit(rt *rapid.T, name string) {
	delete(j.acls, name)
	if acl := j.acl(rt); acl != nil {
		j.acls[name] = *acl
	}
}

// acl draws permissions; nil are those of the source.
func (j *journal) acl(rt *rapid.T) *cairn.ACL {
	keys := []cairn.PrincipalKey{cairn.Everyone, "group:cairn:own", "user:nobody@acme.test"}
	for _, g := range groups {
		keys = append(keys, connectors.SiteGroup(g), connectors.SiteGroup(g))
	}
	for _, p := range j.people {
		keys = append(keys, cairn.UserKey(p.Email))
	}
	if one(rt, 2, "the source's") {
		return nil
	}
	of := rapid.SliceOfN(rapid.SampledFrom(keys), 1, 3)
	return &cairn.ACL{Allow: rapid.SliceOfN(of, 0, 2).Draw(rt, "allow"), Deny: rapid.SliceOfN(rapid.SampledFrom(keys), 0, 1).Draw(rt, "deny")}
}

var groups = []string{"a", "b", "c"}

// meet changes who is in which group.
func (j *journal) meet(rt *rapid.T) {
	j.members = nil
	for _, g := range groups {
		for _, p := range rapid.SliceOfNDistinct(rapid.SampledFrom(j.people), 0, 2, func(a cairn.Account) cairn.AccountID { return a.ID }).Draw(rt, "members") {
			j.members = append(j.members, connectors.Member{Group: g, Email: p.Email})
		}
		if sub := rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "nested"); sub != "" {
			j.members = append(j.members, connectors.Member{Group: g, Subgroup: sub})
		}
	}
}

// String shows what is there, for failures.
func (j *journal) String() string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(j.files)) {
		fmt.Fprintf(&out, "%s: %q\n", name, j.files[name])
	}
	for i, c := range j.entries {
		fmt.Fprintf(&out, "%d: %v %s from %q, err %v\n", i, c.Op, c.External, c.From, c.Err)
	}
	return out.String()
}
