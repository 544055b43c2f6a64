package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

func (b *bench) pusher() *ingest.Pusher {
	return &ingest.Pusher{Store: b.store, Sources: b.db, Prepare: b.syncer.Prepare}
}

func put(external, title, text string) ingest.Edit {
	return ingest.Edit{Push: ingest.Push{External: external, Title: title, Text: text}}
}

func remove(external string) ingest.Edit {
	return ingest.Edit{Push: ingest.Push{External: external}, Delete: true}
}

// mustBatch returns the outcomes of a batch that is stored to its end.
func (b *bench) mustBatch(edits ...ingest.Edit) []ingest.Outcome {
	b.t.Helper()
	var outcomes []ingest.Outcome
	for o, err := range b.pusher().Batch(b.t.Context(), b.source.ID, edits) {
		check(b.t, err)
		outcomes = append(outcomes, o)
	}
	if len(outcomes) != len(edits) {
		b.t.Fatalf("%d outcomes of %d edits", len(outcomes), len(edits))
	}
	return outcomes
}

func TestBatchIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.mustBatch(put("old", "Old", "Storks leave."), put("kept", "Kept", "Cranes stay."))
	b.open("before", "storks")
	out := b.mustBatch(
		put("a", "First", "Herons wait."),
		put("a", "Second", "Herons stand."), // the later one wins
		remove("old"),
		remove("nothing"),
		put("b", "Gone", "Swans fly."),
		remove("b"),
		put("b", "Back", "Swans return."),
		put("old", "New", "Ducks dive."),
		remove("kept"),
		put("kept", "Kept", "Cranes stay."), // as before the batch, but not as before this line
	)
	for word, want := range map[string][]string{
		"herons": {"Second"}, "storks": {}, "swans": {"Back"}, "ducks": {"New"}, "cranes": {"Kept"},
	} {
		if d := cmp.Diff(want, b.finds(everyone, word)); d != "" {
			t.Errorf("%s (-want +got):\n%s", word, d)
		}
	}
	if out[0].ID != out[1].ID || !out[0].Created || out[1].Created || out[4].ID == out[6].ID || !errors.Is(out[3].Err, cairn.ErrNotFound) {
		t.Errorf("outcomes %+v", out)
	}
	for i, o := range out {
		if i != 3 && o.Err != nil {
			t.Errorf("edit %d: %v", i, o.Err)
		}
	}
	if got := b.externals(); len(got) != 4 || got["a"] != cairn.VersionOf([]byte("Herons stand.\n")) {
		t.Errorf("stored %v", got)
	}
}

// TestBatchEqualsOneAfterTheOther makes random edits of few documents, among them
// mails and what has the name of an attachment, at once and one by one.
func TestBatchEqualsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	at, one := newBench(t), newBench(t)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	names := []string{"a", "b", "b!/1/prices.txt", "c"}
	for round := range 25 {
		edits := make([]ingest.Edit, 1+r.IntN(12))
		for i := range edits {
			name := names[r.IntN(len(names))]
			switch r.IntN(5) {
			case 0, 1:
				edits[i] = remove(name)
			case 2:
				edits[i] = ingest.Edit{Push: ingest.Push{External: name, Title: "M", Content: []byte(mailWithAttachment), MediaType: "message/rfc822"}}
			default:
				edits[i] = put(name, "T", fmt.Sprintf("Text %d.", r.IntN(2)))
				if r.IntN(2) == 0 {
					edits[i].ACL = &hr
				}
			}
		}
		got := at.mustBatch(edits...)
		for i, e := range edits {
			var want ingest.Outcome
			if e.Delete {
				want.Err = one.pusher().Delete(t.Context(), one.source.ID, e.External)
			} else {
				want.Pushed, want.Err = one.pusher().Put(t.Context(), one.source.ID, e.Push)
			}
			if (got[i].Err == nil) != (want.Err == nil) || got[i].Version != want.Version || got[i].Created != want.Created {
				t.Fatalf("seed %d, round %d, edit %d:\n got %+v\nwant %+v", seed, round, i, got[i], want)
			}
		}
		if d := cmp.Diff(one.rows(), at.rows()); d != "" {
			t.Fatalf("seed %d, round %d (-one by one +batch):\n%s", seed, round, d)
		}
	}
}

// rows returns what is stored of the documents and may be compared between
// databases.
func (b *bench) rows() []string {
	b.t.Helper()
	return b.read(`
		SELECT format('%s %s %s %s %s', d.external_id, d.version, d.attached, d.acl_own, (SELECT rule FROM acls WHERE id = d.acl_id))
		       || format(' %s %s', p.external_id,
		                 (SELECT count(*) FROM chunks c JOIN fresh f ON f.chunk_id = c.id JOIN vectors v ON v.chunk_id = c.id
		                  WHERE c.document_id = d.id AND c.acl_id = d.acl_id))
		FROM documents d LEFT JOIN documents p ON p.id = d.parent_id
		WHERE d.hidden_at IS NULL ORDER BY d.external_id`)
}

func (b *bench) read(sql string) []string {
	b.t.Helper()
	rows, err := b.db.Worker().Query(b.t.Context(), sql)
	check(b.t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		check(b.t, rows.Scan(&s))
		all = append(all, s)
	}
	check(b.t, rows.Err())
	return all
}

// versionsOfRows returns the versions of all rows of documents, sources included:
// equal if nothing was written.
const versionsOfRows = `
	SELECT x.xmin || ' ' || x.ctid FROM documents x UNION ALL SELECT x.xmin || ' ' || x.ctid FROM bodies x
	UNION ALL SELECT x.xmin || ' ' || x.ctid FROM chunks x UNION ALL SELECT x.xmin || ' ' || x.ctid FROM vectors x
	UNION ALL SELECT x.xmin || ' ' || x.ctid FROM sources x ORDER BY 1`

func TestBatchLeavesTheUnchanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dated := put("dated", "Dated", "Terns nest.")
	dated.Modified = b.source.Created
	open := put("open", "Open", "Gulls cry.")
	open.ACL = &cairn.ACL{Allow: [][]cairn.PrincipalKey{{cairn.Everyone}}}
	edits := []ingest.Edit{dated, open, put("plain", "Plain", "Owls hoot.")}
	first := b.mustBatch(edits...)
	before := b.read(versionsOfRows)
	again := b.mustBatch(edits...)
	if d := cmp.Diff(before, b.read(versionsOfRows)); d != "" {
		t.Errorf("rows were written (-before +after):\n%s", d)
	}
	for i := range first {
		if first[i].ID != again[i].ID || first[i].Version != again[i].Version || again[i].Created || again[i].Err != nil {
			t.Errorf("first %+v, again %+v", first[i], again[i])
		}
	}
	chunks := b.read(`SELECT id::text FROM chunks ORDER BY id`)
	edits[0].Modified = dated.Modified.AddDate(0, 0, 1)
	edits[1].ACL = &hr
	edits[2].Title = "Plainer"
	b.mustBatch(edits...)
	if got := b.read(`SELECT id::text FROM chunks ORDER BY id`); len(got) != 3 || !slices.Equal(got[:2], chunks[:2]) || got[2] == chunks[2] {
		t.Errorf("chunks were %v and are %v; want only the last one new", chunks, got)
	}
	b.closed("a new ACL of an unchanged text", "gulls")
	if got := b.read(`SELECT modified_at::date::text FROM documents WHERE external_id = 'dated'`); got[0] != edits[0].Modified.Format("2006-01-02") {
		t.Errorf("modified on %s", got)
	}
	edits[1].ACL = nil // the source's again
	b.mustBatch(edits...)
	b.open("without an ACL of its own", "gulls")
}

func TestPutLeavesTheUnchanged(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	in := put("plain", "Plain", "Owls hoot.").Push
	first, err := b.pusher().Put(t.Context(), b.source.ID, in)
	check(t, err)
	before := b.read(versionsOfRows)
	again, err := b.pusher().Put(t.Context(), b.source.ID, in)
	check(t, err)
	if d := cmp.Diff(before, b.read(versionsOfRows)); d != "" || again.Created || again.ID != first.ID || again.Version != first.Version {
		t.Errorf("first %+v, again %+v; rows (-before +after):\n%s", first, again, d)
	}
	in.ACL = &hr
	_, err = b.pusher().Put(t.Context(), b.source.ID, in)
	check(t, err)
	if got := b.read(`SELECT acl_own::text FROM documents`); got[0] != "true" {
		t.Errorf("the ACL is its own: %s", got)
	}
}

func TestBatchWithBadDocuments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := rand.New(rand.NewPCG(1, 1))
	long := make([]rune, 1000) // more than an index holds, and not compressible
	for i := range long {
		long[i] = rune(0x20000 + r.IntN(0xa000))
	}
	edits := []ingest.Edit{
		put("a", "A", "Herons wait."),
		{Push: ingest.Push{External: "broken", Title: "Broken", Content: []byte(brokenFile), MediaType: "application/zip"}},
		put(string(long), "Long", "Swans fly."),
		put("empty", "Empty", "\u200b"),
		put("b", "B", "Ducks dive."),
		put("acl", "ACL", "Storks leave."),
		remove("gone"),
		put("c", "C", "Cranes stay."),
	}
	edits[5].ACL = &cairn.ACL{Allow: [][]cairn.PrincipalKey{{cairn.PrincipalKey("group:x:" + string(long))}}}
	bad := map[int]error{1: cairn.ErrInvalid, 2: cairn.ErrInvalid, 3: cairn.ErrInvalid, 5: cairn.ErrInvalid, 6: cairn.ErrNotFound}
	for i, o := range b.mustBatch(edits...) {
		if !errors.Is(o.Err, bad[i]) || bad[i] == nil && (o.Err != nil || o.ID == "") || bad[i] != nil && o.ID != "" {
			t.Errorf("edit %d: %+v, want error %v", i, o, bad[i])
		}
	}
	if got := slices.Sorted(maps.Keys(b.externals())); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("stored %q", got)
	}
	if _, err := b.pusher().Put(t.Context(), b.source.ID, edits[2].Push); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("the long id alone: %v", err)
	}
}

func TestBatchWithMail(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	mail := ingest.Edit{Push: ingest.Push{External: "m", Title: "Mail", Content: []byte(mailWithAttachment), MediaType: "message/rfc822"}}
	b.mustBatch(put("x", "X", "Text."), mail, put("y", "Y", "Text."))
	b.open("with its attachment", "flamingos")
	if got := b.read(`SELECT c.external_id FROM documents c JOIN documents p ON p.id = c.parent_id WHERE p.external_id = 'm' AND c.attached`); !slices.Equal(got, []string{"m!/1/prices.txt"}) {
		t.Errorf("attached %q", got)
	}
	mail.Content = []byte(strings.Replace(mailWithAttachment, "Flamingos cost forty euros.", " ", 1)) // the text of the mail stays
	b.mustBatch(mail)
	b.open("the mail", "herons")
	b.closed("with an empty attachment", "flamingos")
}

// meddling is a store in which something happens between the reading of what is
// known and the commit.
type meddling struct {
	*postgres.Ingest
	known  func() // after Known
	commit func() error
}

func (m *meddling) Known(ctx context.Context, source cairn.SourceID, externals []string) (map[string]ingest.Known, error) {
	known, err := m.Ingest.Known(ctx, source, externals)
	if m.known != nil {
		m.known()
	}
	return known, err
}

func (m *meddling) Commit(ctx context.Context, b ingest.Batch) ([]ingest.Stored, error) {
	if m.commit != nil {
		if err := m.commit(); err != nil {
			return nil, err
		}
	}
	return m.Ingest.Commit(ctx, b)
}

// TestBatchAgainstAnother changes a document while a batch that finds its text
// unchanged gives it another ACL: text and ACL must be of one program.
func TestBatchAgainstAnother(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	public := cairn.Allow(cairn.Everyone)
	first := put("x", "X", "Herons wait.")
	first.ACL = &hr
	b.mustBatch(first)
	store := &meddling{Ingest: b.store, known: func() {
		secret := put("x", "X", "Flamingos are secret.")
		secret.ACL = &hr
		b.mustBatch(secret)
	}}
	p := &ingest.Pusher{Store: store, Sources: b.db, Prepare: b.syncer.Prepare}
	first.ACL = &public
	for o, err := range p.Batch(t.Context(), b.source.ID, []ingest.Edit{first, put("y", "Y", "Text.")}) {
		if check(t, err); o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	b.closed("the other's text", "flamingos")
	b.open("the own text", "herons")
	b.open("the other document", "text")
}

// TestBatchThatBreaksOff loses the database after the first group: what has an
// outcome is stored, and the error ends the sequence.
func TestBatchThatBreaksOff(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var edits []ingest.Edit
	for i := range 1000 {
		edits = append(edits, put(fmt.Sprintf("d%04d", i), "Title", fmt.Sprintf("Text %d.", i)))
	}
	commits, lost := 0, errors.New("the connection is lost")
	store := &meddling{Ingest: b.store, commit: func() error {
		if commits++; commits > 1 {
			return lost
		}
		return nil
	}}
	p := &ingest.Pusher{Store: store, Sources: b.db, Prepare: b.syncer.Prepare}
	told, ended := 0, false
	for o, err := range p.Batch(t.Context(), b.source.ID, edits) {
		switch {
		case err != nil && (!errors.Is(err, lost) || ended):
			t.Fatal(err)
		case err != nil:
			ended = true
		case o.Err != nil || o.ID == "":
			t.Fatalf("%+v", o)
		default:
			told++
		}
	}
	if got := len(b.externals()); !ended || told == 0 || got != told {
		t.Errorf("%d stored, %d told, ended %t", got, told, ended)
	}
	store.commit = nil
	for _, err := range p.Batch(t.Context(), b.source.ID, edits) {
		check(t, err)
		break // who does not read on leaves nothing running
	}
	for _, err := range p.Batch(t.Context(), "no such source", edits) {
		if !errors.Is(err, cairn.ErrNotFound) {
			t.Errorf("unknown source: %v", err)
		}
	}
}

// TestBatchesAtOnce sends batches over the same documents at once, with ACLs that
// are new to all of them.
func TestBatchesAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var g errgroup.Group
	for n := range 4 {
		g.Go(func() error {
			edits := make([]ingest.Edit, 120)
			for i := range edits {
				edits[i] = put(fmt.Sprint("d", i), "Title", fmt.Sprintf("Text of %d.", n%2))
				acl := cairn.Allow(cairn.PrincipalKey(fmt.Sprintf("user:%d@acme.test", i%40)))
				edits[i].ACL = &acl
				if i%10 == n {
					edits[i] = remove(fmt.Sprint("d", i))
				}
			}
			if n%2 == 1 {
				slices.Reverse(edits)
			}
			for o, err := range b.pusher().Batch(t.Context(), b.source.ID, edits) {
				if err = errors.Join(err, o.Err); err != nil && !errors.Is(err, cairn.ErrNotFound) {
					return err
				}
			}
			return nil
		})
	}
	check(t, g.Wait())
	for _, row := range b.read(`
		SELECT d.external_id FROM documents d
		WHERE (SELECT count(*) FROM chunks c JOIN fresh f ON f.chunk_id = c.id JOIN vectors v ON v.chunk_id = c.id WHERE c.document_id = d.id AND c.acl_id = d.acl_id) <> 1
		   OR NOT EXISTS (SELECT FROM bodies b WHERE b.document_id = d.id AND b.version = d.version)
		   OR (SELECT count(*) FROM acl_keys k WHERE k.acl_id = d.acl_id) <> 1`) {
		t.Errorf("%s is not whole", row)
	}
}
