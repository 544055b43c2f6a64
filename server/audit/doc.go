// Package audit is the vocabulary of the audit log: who did what, when, from
// where, with what outcome, and which documents were shown. An event holds ids
// and words of this package alone: no question, no text, no title, no secret.
//
// Every request of the server carries an Entry in its context. Storage writes it
// in the transaction of the change that it tells of; what only reads is written
// in batches a moment later, by a Writer. The rows form a chain of hashes, by
// which Chain finds rows that were changed, removed, inserted or moved.
package audit
