// Package lexical turns text into terms and scores chunks by BM25. It is pure:
// nothing in it reads a database, a file or a clock.
//
// A word becomes its stem in the language of the document and, where that
// differs, the word itself: a question in another language still finds names
// and loan words by the latter. An identifier, file name, version or number
// becomes a term as a whole and the words that it is made of. Text of scripts
// that are written without spaces becomes pairs of characters. No word is
// dropped as too common: its inverse document frequency makes it count little.
//
// Chunks are indexed in two forms: a Fresh holds those of late in memory, and a
// Segment the others, immutable, as rows of postings that the caller stores and
// fetches. Build and Merge make segments.
//
// Scores are exact for the viewer: the number of chunks, their average length
// and the document frequencies are counted over what the viewer may read.
package lexical
