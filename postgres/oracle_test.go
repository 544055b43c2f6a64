package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm/llmtest"
)

// firm is a company in the database beside a model of it: who is in which group, and
// which documents there are with which permissions. It is changed as requests, syncs
// and identity providers change it, now through one server and now through another.
type firm struct {
	*library
	directoryOracle
	rt         *rapid.T
	server     int // that makes the next change
	embedder   *llmtest.Words
	retrievers []*retrieval.Retriever // of the servers
	stored     map[cairn.DocumentID]*book
	former     map[edition]*cairn.ACL // of texts that others took the place of; nil: it was erased
	questions  []question
	gone       []*oracleAccount
	made       int // addresses
}

// question is one that was asked and answered.
type question struct {
	id       string
	owner    *oracleAccount
	evidence []edition
}

// edition is a document with a text that it had.
type edition struct {
	id   cairn.DocumentID
	text string
}

func newFirm(t *testing.T) *firm {
	t.Helper()
	f := &firm{library: newLibrary(t), embedder: llmtest.NewWords(dimensions)}
	f.servers[1] = f.replica()
	f.retrievers = make([]*retrieval.Retriever, len(f.servers))
	for i := range f.servers {
		f.open(i)
	}
	return f
}

// open makes a server begin anew.
func (f *firm) open(i int) {
	f.reopen(i)
	f.retrievers[i] = retrieval.New(retrieval.Config{Index: f.replicas[i], Chunks: f.servers[i], Embedder: f.embedder, Log: f.log})
}

// check ends one try of the property.
func (f *firm) check(err error) {
	f.rt.Helper()
	if err != nil {
		f.rt.Fatal(err)
	}
}

func (f *firm) acting() *DB { return f.servers[f.server] }

// begin empties the firm and lets five people in.
func (f *firm) begin(rt *rapid.T) {
	f.rt, f.made = rt, 0
	for i := range f.sources {
		f.eraseSource(i, cairn.Allow(cairn.Everyone))
	}
	f.exec(`DELETE FROM grants`)
	f.grants, f.granted = map[cairn.GrantID]given{}, nil
	f.exec(`DELETE FROM groups`)
	f.exec(`DELETE FROM accounts`)
	f.directoryOracle, f.stored, f.former, f.questions, f.gone = directoryOracle{}, map[cairn.DocumentID]*book{}, map[edition]*cairn.ACL{}, nil, nil
	for range 5 {
		f.made++
		f.admit(fmt.Sprintf("p%d@acme.test", f.made))
	}
}

const (
	stepsOfTry   = 100 // rapid makes 100 tries unless it is told otherwise
	compareEvery = 50  // steps
)

// TestA12_14_PermissionsEqualOracle makes 10,000 random changes of people, groups, documents
// and permissions, of the index as well, and compares what everybody may read, find
// and see of answers with the model: everybody after every 50 steps, somebody after
// every fifth.
func TestA12_14_PermissionsEqualOracle(t *testing.T) {
	t.Parallel()
	f := newFirm(t)
	steps := 0
	// rapid makes fewer tries before the deadline of a *testing.T, which this is not.
	rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
		f.begin(rt)
		for n := 1; n <= stepsOfTry; n++ {
			f.step()
			steps++
			switch {
			case n%compareEvery == 0:
				f.compare(f.accounts...)
			case n%5 == 0:
				f.compare(rapid.SampledFrom(f.accounts).Draw(rt, "account"))
			}
		}
	})
	found, err := f.replicas[0].Verify(t.Context(), true)
	if err != nil || len(found.Problems) > 0 {
		t.Errorf("verify: %+v, %v", found.Problems, err)
	}
	t.Logf("%d steps: %v", steps, f.done)
	if testing.Short() {
		return // rapid makes fewer tries
	}
	if steps < 10_000 {
		t.Errorf("%d steps, want 10,000", steps)
	}
	for step, least := range map[string]int{"compare": 2_000, "erase": 50, "grant": 50, "withhold": 50, "declare": 50, "give": 50, "pack": 50, "merge": 50, "reopen": 50} {
		if f.done[step] < least {
			t.Errorf("%s: %d times, want %d", step, f.done[step], least)
		}
	}
}

// operations are drawn from with equal chances.
var operations = strings.Fields(`
	put put put put edit grant grant give give end inherit declare withhold withhold move transfer hide erase erase-source touch vector ask
	own own scim scim site site claims drop-group rename disable replace
	maintain maintain reopen forget rebuild`)

// step changes something, by a server of two.
func (f *firm) step() {
	f.server = rapid.IntRange(0, 1).Draw(f.rt, "server")
	f.store = NewIngest(f.acting(), f.space)
	op := rapid.SampledFrom(operations).Draw(f.rt, "operation")
	f.done[op]++
	switch op {
	case "put":
		name := fmt.Sprintf("book-%02d", rapid.IntRange(0, 59).Draw(f.rt, "name"))
		if f.books[name] == nil {
			f.write(name, f.drawBook(), ingest.Batch{})
		}
	case "give":
		f.giveSomebody()
	case "end":
		if len(f.granted) > 0 {
			f.end(rapid.SampledFrom(f.granted).Draw(f.rt, "grant"))
		}
	case "declare":
		f.declare()
	case "erase-source":
		if rapid.IntRange(0, 3).Draw(f.rt, "really") == 0 {
			f.eraseSource(rapid.IntRange(0, 1).Draw(f.rt, "source"), f.drawACL())
		}
	case "own":
		f.setOwn()
	case "scim":
		f.setSCIM()
	case "site":
		f.readSite()
	case "claims":
		f.signIn()
	case "drop-group":
		f.dropGroup()
	case "rename":
		f.rename()
	case "disable":
		f.disable()
	case "replace":
		f.replace()
	case "maintain":
		f.maintain(f.replicas[f.server])
	case "reopen":
		f.open(f.server)
	case "forget":
		f.replicas[f.server].DropCache()
	case "rebuild":
		if rapid.IntRange(0, 3).Draw(f.rt, "really") == 0 {
			f.check(f.replicas[f.server].Rebuild(context.Background(), nil))
		}
	default:
		if len(f.books) > 0 {
			f.change(op, rapid.SampledFrom(f.titles()).Draw(f.rt, "book"))
		}
	}
}

func (f *firm) titles() []string {
	var all []string
	for name := range f.books {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
