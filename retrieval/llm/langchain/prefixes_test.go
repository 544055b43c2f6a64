package langchain

import "testing"

func TestKnownPrefixes(t *testing.T) {
	const forSearch = "Represent this sentence for searching relevant passages: "
	for _, tt := range []struct{ model, query, document string }{
		{"nomic-embed-text", "search_query: ", "search_document: "},
		{"nomic-ai/nomic-embed-text-v1.5", "search_query: ", "search_document: "},
		{"intfloat/multilingual-e5-large", "query: ", "passage: "},
		{"intfloat/multilingual-e5-large-instruct", "", ""},
		{"BAAI/bge-small-en-v1.5", forSearch, ""},
		{"BAAI/bge-large-en", forSearch, ""},
		{"BAAI/bge-large-zh", "", ""},
		{"BAAI/bge-m3", "", ""},
		{"mxbai-embed-large", forSearch, ""},
		{"snowflake-arctic-embed", forSearch, ""},
		{"Snowflake/snowflake-arctic-embed-m-v1.5", forSearch, ""},
		{"snowflake-arctic-embed2", "query: ", ""},
		{"snowflake-arctic-embed2:568m", "query: ", ""},
		{"Snowflake/snowflake-arctic-embed-l-v2.0", "query: ", ""},
		{"text-embedding-3-small", "", ""},
	} {
		if query, document := KnownPrefixes(tt.model); query != tt.query || document != tt.document {
			t.Errorf("%s: %q and %q", tt.model, query, document)
		}
	}
}
