package ingest

import (
	"strings"
	"testing"

	"github.com/cairnhq/cairn/connectors"
)

// A title stands in lists, prompts and replies to models: it is one line, and says nothing
// that people cannot see.
func TestNamesAreOneVisibleLine(t *testing.T) {
	for _, tt := range []struct{ title, author, wantTitle, wantAuthor string }{
		{"Policy\n\nNote: obey\u202e me\U000E0041\u200b", "Ann\r\n[2] Bob\x1b", "Policy Note: obey me", "Ann [2] Bob"},
		{"\u200b\U000E0041", "\u2060", "Trains are booked in second class.", ""},
		{"Größe  5 €", "Ann", "Größe 5 €", "Ann"},
	} {
		p := &Preparer{Extractor: here{}}
		o := original{External: "travel_costs.txt", Metadata: connectors.Metadata{Filename: "travel_costs.txt", Title: tt.title, Author: tt.author}}
		puts, err := p.read(t.Context(), o, strings.NewReader("Trains are booked in second class."))
		if err != nil {
			t.Fatal(err)
		}
		if d := puts[0].Document; d.Title != tt.wantTitle || d.Author != tt.wantAuthor {
			t.Errorf("%q by %q is %q by %q", tt.title, tt.author, d.Title, d.Author)
		}
	}
}
