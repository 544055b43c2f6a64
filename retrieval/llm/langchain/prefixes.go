package langchain

import "strings"

// forSearch is what models want before questions that tell them what is looked for.
const forSearch = "Represent this sentence for searching relevant passages: "

// KnownPrefixes returns what the model of a name wants before questions and before
// documents, as its makers' model cards say; empty for models of which nothing is
// known, or which want nothing. Without them the vectors of such models are worse,
// and no endpoint adds them.
func KnownPrefixes(model string) (query, document string) {
	name := strings.ToLower(model)
	has := func(part string) bool { return strings.Contains(name, part) }
	switch {
	case has("nomic-embed-text"): // Nomic Embed, all versions
		return "search_query: ", "search_document: "
	case has("e5-") && !has("instruct"): // E5 and multilingual E5, Microsoft
		return "query: ", "passage: "
	case has("arctic-embed2"), has("arctic-embed-") && has("-v2"): // as Ollama and as Snowflake call it
		return "query: ", ""
	case has("mxbai-embed"), has("snowflake-arctic-embed"), has("bge-") && has("-en"):
		return forSearch, ""
	}
	return "", ""
}
