package lexical

// MaxQueryTerms bounds the terms of one query.
const MaxQueryTerms = 64

// QueryTerm is one term to look for. Terms of one group are alternatives of one
// word: a chunk gets the best of their scores, never their sum, and all of them
// are weighed by the document frequency of the most frequent one.
type QueryTerm struct {
	Hash   uint64
	Group  int     // from 0, ascending without gaps
	Weight float32 // factor of the score
	Text   string  // the term itself, for explanations
}

// QueryTerms analyses a question in up to four languages (ISO 639-1 codes; none
// means English). It returns at most MaxQueryTerms terms with distinct hashes.
func QueryTerms(text string, languages []string) []QueryTerm {
	return nil
}
