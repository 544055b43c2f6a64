// Package code searches source code: literal text, regular expressions (RE2, line by
// line), definitions of symbols and references to them.
//
// Describe makes of a file what the index keeps of it: its trigrams, where it stands
// among others, and its definitions. A search asks the index for the files that may
// match, of those that the viewer may read, in an order that was fixed when they were
// stored; passes over those in whose kept texts nothing matches, reads the others as the
// viewer, line by line; and orders what it has found: definitions, names of files and
// whole words first. It stops when it has enough, or when its time is over, and says so.
package code
