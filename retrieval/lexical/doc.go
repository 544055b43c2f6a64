// Package lexical turns text into terms and scores chunks by BM25. It is pure:
// nothing in it reads a database, a file or a clock.
package lexical
