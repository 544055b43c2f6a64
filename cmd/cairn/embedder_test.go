package main

import (
	"testing"

	"github.com/cairnhq/cairn/server"
)

func TestEmbedderPrefixes(t *testing.T) {
	const gemma = "task: search result | query: "
	for _, tt := range []struct{ model, setQuery, setDocument, query, document, name string }{
		{"m", "", "", "", "", "m"},
		{"multilingual-e5-large", "", "", "query: ", "passage: ", `multilingual-e5-large with "passage: "`},
		{"multilingual-e5-large", "none", "", "", "passage: ", `multilingual-e5-large with "passage: "`},
		{"multilingual-e5-large", "", "none", "query: ", "", "multilingual-e5-large"},
		{"multilingual-e5-large", "none", "none", "", "", "multilingual-e5-large"},
		{"embeddinggemma", gemma, "title: none | text: ", gemma, "title: none | text: ", `embeddinggemma with "title: none | text: "`},
	} {
		s := server.EmbedSettings{QueryPrefix: tt.setQuery, DocumentPrefix: tt.setDocument}
		s.Model = tt.model
		if c := embedderConfig(s); c.QueryPrefix != tt.query || c.DocumentPrefix != tt.document || c.Name != tt.name || c.Model != tt.model {
			t.Errorf("%+v: %q and %q, called %q", tt, c.QueryPrefix, c.DocumentPrefix, c.Name)
		}
	}
}
