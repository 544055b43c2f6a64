// Package claim reads what a sentence claims: its numbers with their units, its
// dates, its names and codes, its content words, and whether it affirms or
// denies. Everything is normalised, so that "two weeks" and "14 days", "1,500"
// and "1.5 thousand", "3. März 2026" and "2026-03-03" compare equal.
//
// English, German, French and Spanish are read fully; of other languages digits,
// dates in figures, codes and unstemmed words. Everything is pure and may be
// used by several goroutines at once.
package claim
