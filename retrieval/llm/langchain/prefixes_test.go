package langchain

import "testing"

func TestKnownPrefixes(t *testing.T) {
	for _, tt := range []struct{ model, query, document string }{
		{"nomic-embed-text", "search_query: ", "search_document: "},
		{"nomic-ai/nomic-embed-text-v1.5", "search_query: ", "search_document: "},
		{"intfloat/multilingual-e5-large", "query: ", "passage: "},
		{"intfloat/multilingual-e5-large-instruct", "", ""},
		{"BAAI/bge-small-en-v1.5", "Represent this sentence for searching relevant passages: ", ""},
		{"BAAI/bge-m3", "", ""},
		{"text-embedding-3-small", "", ""},
	} {
		if query, document := KnownPrefixes(tt.model); query != tt.query || document != tt.document {
			t.Errorf("%s: %q and %q", tt.model, query, document)
		}
	}
}
