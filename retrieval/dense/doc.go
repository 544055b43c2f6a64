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
// has something close to it, 2,000 are plenty, and where everything is about
// equally far, many thousands may have to be looked at. The best of the first
// thousands tell: at which distances the signs of chunks as near as those lie is
// known, see expectation.
//
// From 100,000 chunks on two goroutines scan. What the memory takes counts more than
// what is computed: codes that are estimated are brought together first, and how
// well that goes cannot be seen in a benchmark that finds them in the cache.
// docs/performance.md tells how much is found.
package dense
