// Package dense finds the chunks whose vectors are nearest to a query's among
// what a viewer may read, by codes of three bits a dimension. It is pure: nothing
// in it reads a database or a clock.
//
// A vector is centred, rotated at random and kept as its signs, which alone are
// scanned, with two more bits a component and what turns them to an estimate
// (RaBitQ: Gao and Long, SIGMOD 2024; extended by Gao et al., SIGMOD 2025). A
// search compares the signs of all visible chunks with the query's, estimates the
// inner products of the nearest from all of their bits, and returns some hundreds
// for the caller to compare exactly. Nothing is built beforehand, and what is
// hidden is never touched: neither the results nor their scores depend on it.
//
// How many are near enough by their signs depends on the query. Where the corpus
// has something close to it, 4,000 are plenty, and where everything is about
// equally far, tens of thousands may have to be looked at. The best of the first
// thousands tell: at which distances the signs of chunks as near as those lie is
// known, see expectation.
//
// Recall@20 with Limits{4000, 40_000, 20, 250} is .98 or more in 384 dimensions, on
// real texts and on 300,000 artificial vectors of which none is near the query, for
// viewers who see all or little of them: docs/performance.md.
package dense
