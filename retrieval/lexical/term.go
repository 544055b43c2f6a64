package lexical

// Term is one term of a chunk.
type Term struct {
	Hash uint64 // of the term's text, 63 bits: see Hash
	TF   uint8  // weighted number of occurrences, 1..255
}

// Fields is what is indexed of a chunk.
type Fields struct {
	Title    string
	Heading  []string // path of headings, outermost first
	Body     string
	Language string // ISO 639-1 code of the document; empty when unknown
}

// Terms returns the terms of a chunk in ascending order of hash, each once, and
// its length for the length norm, 0..65,535. Equal fields give equal terms.
func Terms(f Fields) (terms []Term, length int) {
	return nil, 0
}

// EncodeTerms returns a compact form of terms, which must ascend by hash.
func EncodeTerms(terms []Term) []byte {
	return nil
}

// DecodeTerms returns the terms that EncodeTerms was given, or an error for
// bytes that it cannot have made.
func DecodeTerms(data []byte) ([]Term, error) {
	return nil, nil
}
