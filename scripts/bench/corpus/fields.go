package corpus

import (
	"time"

	"github.com/cairnhq/cairn"
)

// fraction is which part of the documents have a value of a field.
type fraction int

// The values of each field, by how many documents have them.
const (
	rest      fraction = iota // the remainder
	half                      // one in two
	hundredth                 // one in a hundred
	rare                      // one in ten thousand, and one at least
)

// bounds returns the ranks (see rank) at which the fractions end, in the order
// rare, hundredth, half.
func bounds(docs int) [3]int {
	a := max(docs/10_000, 1)
	b := a + max(docs/100, 1)
	return [3]int{a, b, b + docs/2}
}

// fractionOf returns the fraction that a rank belongs to.
func fractionOf(rank, docs int) fraction {
	b := bounds(docs)
	switch {
	case rank < b[0]:
		return rare
	case rank < b[1]:
		return hundredth
	case rank < b[2]:
		return half
	}
	return rest
}

// fields are those that searches are narrowed by.
type fields struct {
	source, author, grade string
	kind                  cairn.Kind
	modified              time.Time
}

func (c *Invented) fields(number int) fields {
	of := func(field int) fraction { return fractionOf(c.rank(number, field), c.Docs) }
	return fields{
		source: value("source", of(1)), kind: cairn.Kind(value("kind", of(2))), author: value("author", of(3)), grade: value("grade", of(4)),
		modified: epoch().Add(time.Duration(c.rank(number, 5)) * time.Minute),
	}
}

// rank returns the place of a document in an order that differs from field to
// field and has nothing to do with topics.
func (c *Invented) rank(number, field int) int {
	step := c.Docs*(13+7*field)/101 + 1
	for gcd(step, c.Docs) != 1 {
		step++
	}
	return (number*step + field*c.Docs/7) % c.Docs
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func value(field string, f fraction) string {
	return field + map[fraction]string{rest: "-rest", half: "-half", hundredth: "-hundredth", rare: "-rare"}[f]
}

// Filter narrows a search to a part of the documents.
type Filter struct {
	Field   string
	Name    string // of the part
	Filters cairn.Filters
	Keep    func(number int) bool // whether a document passes
	Kept    int                   // documents that do
}

// Filters returns for each field those that keep 50, 1 and 0.01 % of the documents.
func (c *Invented) Filters() []Filter {
	var out []Filter
	b := bounds(c.Docs)
	for i, part := range []struct {
		name     string
		fraction fraction
		docs     int
	}{{"50 %", half, b[2] - b[1]}, {"1 %", hundredth, b[1] - b[0]}, {"0.01 %", rare, b[0]}} {
		add := func(field int, name string, f cairn.Filters) {
			out = append(out, Filter{Field: name, Name: part.name, Filters: f, Kept: part.docs, Keep: func(n int) bool {
				return fractionOf(c.rank(n, field), c.Docs) == part.fraction
			}})
		}
		add(1, "source", cairn.Filters{Sources: []string{value("source", part.fraction)}})
		add(2, "kind", cairn.Filters{Kind: cairn.Kind(value("kind", part.fraction))})
		add(3, "author", cairn.Filters{Author: value("author", part.fraction)})
		add(4, "attribute", cairn.Filters{Attributes: map[string]string{"grade": value("grade", part.fraction)}})
		newest := []int{c.Docs / 2, max(c.Docs/100, 1), b[0]}[i]
		after := epoch().Add(time.Duration(c.Docs-newest)*time.Minute - time.Second)
		out = append(out, Filter{Field: "date", Name: part.name, Filters: cairn.Filters{UpdatedAfter: after}, Kept: newest,
			Keep: func(n int) bool { return c.rank(n, 5) >= c.Docs-newest }})
	}
	return out
}
