// Package index is what a replica holds in memory of the chunks that can be
// found, and searches in it: immutable segments of postings, whose rows are
// fetched when a query needs them, and the chunks that are not packed yet. It is
// pure: package postgres reads the change feed and the rows.
//
// Every chunk has, beside its terms, its ACL class, what filters look at, and
// the code of its vector, each in an array by ordinal. A search is given a
// table of the classes that admit the viewer; whatever it counts, scores or
// returns comes from chunks of those classes.
package index
