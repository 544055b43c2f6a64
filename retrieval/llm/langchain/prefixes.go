package langchain

import "strings"

// KnownPrefixes returns what the model of a name wants before questions and before
// documents, as its makers' model cards say; empty for models of which nothing is
// known, or which want nothing. Without them the vectors of such models are worse,
// and no endpoint adds them.
func KnownPrefixes(model string) (query, document string) {
	name := strings.ToLower(model)
	switch {
	case strings.Contains(name, "nomic-embed-text"): // Nomic Embed, all versions
		return "search_query: ", "search_document: "
	case strings.Contains(name, "e5-") && !strings.Contains(name, "instruct"): // E5 and multilingual E5, Microsoft
		return "query: ", "passage: "
	case strings.Contains(name, "mxbai-embed"), strings.Contains(name, "bge-") && strings.Contains(name, "-en-"), strings.Contains(name, "snowflake-arctic-embed"):
		return "Represent this sentence for searching relevant passages: ", ""
	}
	return "", ""
}
