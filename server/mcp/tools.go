package mcp

import (
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// How long calls may take.
const (
	usual     = 60 * time.Second
	answering = 10 * time.Minute
)

// addTools gives the server its tools. search and fetch have the names, inputs and
// outputs that ChatGPT and others expect of every server.
func (s *Server) addTools() {
	add(s, tool[searchInput, searchOutput]{
		name: "search", title: "Search documents", scope: cairn.ScopeSearch, action: audit.Search, patience: usual, call: s.search,
		about: `Searches the organisation's documents, tickets, messages and code that the user may read, and returns the best documents with id, title and url. Read one with fetch. Words and meaning both count; "quoted words" must occur as they are, -word must not.`,
	})
	add(s, tool[fetchInput, fetchOutput]{
		name: "fetch", title: "Read a document", scope: cairn.ScopeRead, action: audit.DocumentRead, patience: usual, call: s.fetch,
		about: "Returns the text of a document by an id from search, ask or search_code. A long text comes in parts, beginning with the passage that was found: metadata has the ids of the next and the previous part.",
	})
	add(s, tool[askInput, askOutput]{
		name: "ask", title: "Ask a question", scope: cairn.ScopeAsk, action: audit.Ask, patience: answering, call: s.ask,
		about: "Answers a question from the documents that the user may read. Every sentence of the answer is checked and cites its sources by [number]. When nothing answers it, the outcome is not_found, with the documents that came nearest. Give the conversation_id of an answer to ask on.",
	})
	add(s, tool[codeInput, codeOutput]{
		name: "search_code", title: "Search code", scope: cairn.ScopeSearch, action: audit.Search, patience: usual, call: s.searchCode,
		about: "Searches source code by words, identifiers and meaning, or, by kind, exactly: text, regular expressions, where a name is defined and where it is used; and returns pieces of files as repo/path:L10-L20@commit with their text. Narrow by repo and path. Read more of a file with read_file.",
	})
	add(s, tool[fileInput, fileOutput]{
		name: "read_file", title: "Read a file of a repository", scope: cairn.ScopeRead, action: audit.DocumentRead, patience: usual, call: s.readFile,
		about: "Returns lines of a file by its repository and path, as search_code names them. A long file comes in parts: next_line says where the next begins.",
	})
	add(s, tool[sourcesInput, sourcesOutput]{
		name: "list_sources", title: "List sources", scope: cairn.ScopeRead, patience: usual, call: s.listSources,
		about: "Lists the names of the sources in which the user may read something, such as wikis, trackers and repositories.",
	})
}
