package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
)

// places reads ranges as a viewer.
func (f *fixture) places(v cairn.Viewer, ranges []retrieval.Range) (places []*place) {
	f.t.Helper()
	documents := make([]cairn.DocumentID, len(ranges))
	for i, r := range ranges {
		documents[i] = r.Document
	}
	classes, err := f.classesOfDocuments(f.t.Context(), documents)
	f.check(err)
	f.check(f.asViewer(f.t.Context(), v, classes, func(tx pgx.Tx) (err error) {
		places, err = readPlaces(f.t.Context(), tx, ranges)
		return err
	}))
	return places
}

// sectioned returns a body of sections of ten bytes with their headings.
func sectioned(name string, n int) (string, []section) {
	sections := make([]section, n)
	for i := range sections {
		sections[i] = section{Heading: []string{name, fmt.Sprint("Part ", i)}, Start: 10 * i, End: 10*i + 9, Anchor: fmt.Sprintf("#%s-%d", name, i)}
	}
	return strings.Repeat("nine bytes", n), sections
}

// A range is described by the section of its own text that it begins in.
func TestPlacesHaveTheirSections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	s := f.source("handbook", anns)
	doc, other, secret := f.document(s, "doc", "Doc", "first", anns), f.document(s, "other", "Other", "other", anns), f.document(s, "secret", "Secret", "secret", cairn.ACL{})
	body, sections := sectioned("old", 3)
	old := f.body(doc, body, sections)
	body, sections = sectioned("new", 4)
	current := f.body(doc, body, sections)
	at := func(d cairn.DocumentID, v cairn.Version, start int) retrieval.Range {
		return retrieval.Range{Document: d, Version: v, Start: start, End: start + 1}
	}
	otherVersion := cairn.VersionOf([]byte("other"))
	var got []string
	for _, p := range f.places(ann, []retrieval.Range{
		at(doc, current, 10), at(other, otherVersion, 0), at(doc, old, 28), at(secret, cairn.VersionOf([]byte("secret")), 0), at(doc, current, 38),
		at(doc, current, 19), at(doc, "none", 0), at(doc, old, 0),
	}) {
		if p == nil {
			got = append(got, "-")
			continue
		}
		got = append(got, strings.Join(append(p.Heading, p.Anchor), " > "))
	}
	want := []string{"new > Part 1 > #new-1", "Other > Part > #part", "old > Part 2 > #old-2", "-", "new > Part 3 > #new-3", "", "-", "old > Part 0 > #old-0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Many citations of a long document do not each go through its thousands of sections.
func TestManyPlacesOfALongDocument(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann := f.member("ann")
	anns := cairn.Allow(cairn.AccountKey(ann.Account))
	doc := f.document(f.source("handbook", anns), "long", "Long", "first", anns)
	body, sections := sectioned("long", 5_000)
	version := f.body(doc, body, sections)
	ranges := make([]retrieval.Range, 200)
	for i := range ranges {
		ranges[i] = retrieval.Range{Document: doc, Version: version, Start: 250 * i, End: 250*i + 5}
	}
	took := func(n int) (least time.Duration) {
		for i := range 4 {
			began := time.Now()
			places := f.places(ann, ranges[:n])
			if d := time.Since(began); i == 0 || d < least {
				least = d
			}
			if last := places[n-1]; last.Anchor != fmt.Sprint("#long-", 25*(n-1)) {
				t.Fatalf("the last of %d places is at %q", n, last.Anchor)
			}
		}
		return least
	}
	if one, many := took(1), took(len(ranges)); many > 20*one {
		t.Errorf("one range is read in %v, %d in %v", one, len(ranges), many)
	}
}
