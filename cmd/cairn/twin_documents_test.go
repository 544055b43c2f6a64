package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
)

// pushed is a document and the source that it goes to.
type pushed struct {
	source, id string
	client.Push
}

// hiddenWord stands in hidden documents alone.
const hiddenWord = "zephyrium"

// dated returns the hour of a day at which all documents are dated.
func dated(month time.Month, day int) *time.Time {
	at := time.Date(2026, month, day, 8, 0, 0, 0, time.UTC)
	return &at
}

// visibleDocuments are those that Bob may read, all with a date, as without one it is the
// moment at which they are pushed: of some there are copies, older versions
// and equals, one is German, one about code, most have words at random.
func visibleDocuments() []pushed {
	const (
		travel = "Meals are paid up to 40 EUR a day. The limit per night in Oslo is 180 EUR. " +
			"Travel expenses are paid within ten days of the report, and every invoice has to be attached to it."
		equal = "The badge reader at the north door needs a new battery every 6 months."
	)
	doc := func(title, text string, at *time.Time) client.Push {
		return client.Push{Title: title, Text: text, UpdatedAt: at, Author: "Ann Example", Attributes: map[string]string{"team": "x"}}
	}
	all := []pushed{
		{"handbook", "travel", doc("Travel expenses", travel, dated(3, 1))},
		{"handbook", "travel-old", doc("Travel expenses", strings.ReplaceAll(travel, "180 EUR", "165 EUR"), dated(1, 1))},
		{"wiki", "travel-copy", doc("Travel expenses (copy)", travel, dated(2, 1))},
		{"handbook", "equal-1", doc("Badge reader", equal, dated(1, 1))},
		{"inbox", "equal-2", doc("Badges", equal, dated(1, 1))},
		{"wiki", "reise", doc("Reisekosten", "Für eine Übernachtung im Hotel werden höchstens 120 EUR gezahlt. "+
			"Die Reisekosten müssen innerhalb eines Monats abgerechnet werden.", dated(1, 5))},
		{"wiki", "code", doc("Accounts API", "The function getUserById returns the account since v1.2.3. It fails where the account is disabled.", dated(4, 1))},
	}
	for i, name := range []string{"budget/travel_budget.py", "budget/travel_budget_test.py", "lib/badge.py"} {
		all = append(all, pushed{"wiki", name, client.Push{
			Title: name, Text: fmt.Sprintf("def travel_budget(b):\n    return b.budget + %d\n\nprint(travel_budget(b))\n", i), MediaType: "text/plain", UpdatedAt: dated(3, 1+i),
		}})
	}
	for i := range 60 {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		p := pushed{
			[]string{"handbook", "wiki", "handbook", "inbox"}[i%4], fmt.Sprintf("note-%02d", i),
			client.Push{Title: fmt.Sprintf("Note on %s %s", word(r), word(r)), Text: sentences(r), UpdatedAt: dated(time.Month(1+i%8), 1+i%9)},
		}
		if i%3 > 0 {
			p.Author = []string{"Ann Example", "Ben Example"}[i%2]
		}
		all = append(all, p)
	}
	return all
}

// hiddenDocuments are some that Bob may not read: like those that he may read in all
// but one thing or another, and with words that he looks for.
func hiddenDocuments(n int) []pushed {
	acls := []cairn.ACL{
		cairn.Allow("group:cairn:finance"),
		{Allow: [][]cairn.PrincipalKey{{cairn.Everyone}, {"group:cairn:finance"}}},
		{Allow: [][]cairn.PrincipalKey{{cairn.Everyone}}, Deny: []cairn.PrincipalKey{"user:bob@acme.test"}},
		{Allow: [][]cairn.PrincipalKey{}},
	}
	like := visibleDocuments()
	all := make([]pushed, n)
	for i := range all {
		r := rand.New(rand.NewPCG(8, uint64(i)))
		p := like[i%len(like)]
		p.id, p.ACL = fmt.Sprintf("hidden-%04d", i), &acls[r.IntN(len(acls))]
		switch i / len(like) % 6 {
		case 0: // a copy, with the same words, vector, title, author and attributes
		case 1: // a newer version
			p.Text, p.UpdatedAt = p.Text+" It is so from next year on.", dated(11, 1)
		case 2: // the title alone
			p.Text = sentences(r)
		case 3: // what is looked for
			p.Text = hiddenWord + " meals travel expenses Oslo hotel budget EUR invoice per night report getUserById v1.2.3 " + sentences(r)
		case 4: // another language
			p.Text = "Die Reisekosten im Hotel werden für " + hiddenWord + " vom Budget " + word(r) + " bezahlt, und zwar höchstens einmal im Monat."
		default:
			p.Title, p.Text, p.Attributes = "Travel "+hiddenWord+" "+word(r), sentences(r), map[string]string{"team": "y"}
		}
		if i%5 == 0 {
			p.source = "vault"
		}
		if i%10 == 1 { // together so long that the index is packed
			p.Text = strings.Repeat(p.Text+" ", 75_000/len(p.Text))
		}
		all[i] = p
	}
	return all
}

var twinWords = strings.Fields(`meals travel expenses hotel night report invoice budget falcon river tower quarterly review account
	storage backup release server ticket customer contract badge office training holiday insurance pension printer network laptop`)

func word(r *rand.Rand) string { return twinWords[r.IntN(len(twinWords))] }

func sentences(r *rand.Rand) string {
	var b strings.Builder
	for range 3 + r.IntN(4) {
		fmt.Fprintf(&b, "The %s of the %s is for every %s and %s. ", word(r), word(r), word(r), word(r))
	}
	return strings.TrimSpace(b.String())
}

// fill stores documents, a batch a source, the hidden ones before, among and after the
// others, whose order is the same everywhere.
func (w *twin) fill(visible, hidden []pushed) {
	w.t.Helper()
	w.names["hidden"] = cairn.NewID() // of none
	for _, source := range []string{"handbook", "wiki", "vault", "inbox"} {
		elsewhere := func(p pushed) bool { return p.source != source }
		own, others := slices.DeleteFunc(slices.Clone(visible), elsewhere), slices.DeleteFunc(slices.Clone(hidden), elsewhere)
		var lines []pushed
		for i, p := range own {
			n := len(others) / (len(own) - i + 1)
			lines = append(append(lines, others[:n]...), p)
			others = others[n:]
		}
		w.push(source, append(lines, others...))
	}
	for _, p := range visible { // whatever of them is found first, they are met in this order
		w.common(w.names[p.id])
	}
	w.known[w.names["hidden"]] = "<hidden>"
}

// push sends a batch, and notes the ids that the documents get.
func (w *twin) push(source string, documents []pushed) {
	w.t.Helper()
	token, err := os.ReadFile(filepath.Join(w.data, "local.token"))
	if err != nil {
		w.t.Fatal(err)
	}
	admin, err := client.New(client.Config{URL: "http://" + w.addr, Token: strings.TrimSpace(string(token))})
	if err != nil {
		w.t.Fatal(err)
	}
	lines := func(yield func(client.BatchLine) bool) {
		for _, p := range documents {
			if !yield(client.BatchLine{ID: p.id, Push: &p.Push}) {
				return
			}
		}
	}
	for r, err := range admin.PutBatch(w.t.Context(), source, lines) {
		if err != nil || r.Err != nil {
			w.t.Fatal(err, r.Err)
		}
		name := r.ID
		if strings.HasPrefix(name, "hidden-") {
			if source == "inbox" { // to which Bob writes
				continue
			}
			name = "hidden" // any of them
		}
		w.names[name] = r.DocumentID
	}
}
