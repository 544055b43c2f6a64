package verifytest

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// namePool holds, for each kind of name, names that may stand in for one
// another. They fit every language of the cases.
var namePool = map[string][]string{
	"person": {
		"Hannah Weiss", "Samuel Ortega", "Ines Carvalho", "Viktor Sokolov",
		"Laura Nilsen", "Peter Adler", "Fatima Rahman", "Daniel Novotny",
		"Miriam Cohen", "George Whitaker", "Yuki Tanaka", "Carla Mendes",
		"Thomas Keller", "Nora Lund", "Julien Moreau", "Esther Mwangi",
	},
	"surname": {
		"Wallner", "Santoro", "Ferreira", "Novak", "Delacroix", "Hoffmann",
		"Kowalska", "Romero", "Lindholm", "Quintana",
	},
	"team": {
		"Legal Affairs", "Data Science", "Treasury", "Quality Assurance",
		"Customer Success", "Field Service", "Internal Audit", "Logistics",
		"Communications", "Recruiting",
	},
	"desk": { // what goes with an article
		"Control Room", "Service Point", "Front Office", "Dispatch Centre",
		"Welcome Lounge", "Crisis Cell",
	},
	"product": {
		"Mosaic", "Tidewater", "Pinnacle", "Brightbox", "Quillstone",
		"Sundial", "Trellis", "Cobalt", "Wayfinder", "Evergreen",
	},
	"plan": {"Starter", "Premium", "Growth", "Enterprise", "Basic"},
	"place": {
		"Hamburg", "Porto", "Prague", "Geneva", "Helsinki", "Bristol",
		"Naples", "Antwerp", "Krakow", "Marseille", "Zaragoza", "Dresden",
		"Glasgow", "Toulouse",
	},
	"region":   {"Balkans", "Midlands", "Caribbean", "Highlands", "Pyrenees"},
	"building": {"Dockside House", "Mill Court", "North Pavilion", "Cedar Hall"},
	"company": {
		"Redwood Partners", "Silverline", "Meridian Foods", "Kappa Logistics",
		"Bluewave", "Stonegate", "Alpenglas", "Corvanta", "Ferrotec", "Lindworks",
	},
}

// mutateName swaps one of the marked names for another of its kind. A name
// that stands in the sentence more than once is not touched, because the mutant
// would then contradict itself instead of the passages.
func mutateName(c Case, rng *rand.Rand) (edit, bool) {
	known := make(map[string]bool)
	for _, s := range append([]string{c.Sentence}, c.Passages...) {
		for _, w := range words(s) {
			known[w] = true
		}
	}
	var groups [][]edit
	for _, name := range c.Names {
		at := strings.Index(c.Sentence, name.Text)
		if at < 0 || strings.Count(c.Sentence, name.Text) != 1 {
			continue
		}
		var edits []edit
		for _, other := range namePool[name.Kind] {
			if !anyKnown(words(other), known) {
				edits = append(edits, edit{at, at + len(name.Text), other})
			}
		}
		groups = append(groups, edits)
	}
	return pick(groups, rng)
}

func anyKnown(ws []string, known map[string]bool) bool {
	for _, w := range ws {
		if known[w] {
			return true
		}
	}
	return false
}

// words returns the runs of letters and digits in s, in lower case.
func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}
