// Package cairn is the vocabulary of Cairn, a work assistant that answers
// questions from a company's own documents: every sentence of an answer points
// at the passage that supports it, and nobody learns through it what they may
// not read at the source. The package holds the words that everything else
// uses and imports only the standard library.
//
// This comment is a tour: it follows one document and one question from end to
// end, naming the place where each step is found.
//
// # The way of a document
//
// A connector (package connectors and the folders below it) yields Changes: an
// external id, what the source says of the document, who may read it, and a
// function that opens its bytes. It knows nothing of text or of Cairn's ids.
//
// A run of a source is a row and a job. Package jobs takes the run, holds its
// lease, and lets ingest.Syncer work on it. The syncer gathers changes into
// batches, leaves out what did not change, and sends the rest to package extract,
// which reads untrusted files in child processes of the same binary: bytes become
// canonical text (UTF-8, NFC, "\n") with sections. The text has a Version, its
// hash. ingest.Cut cuts it into chunks, which are byte ranges; package lexical
// makes terms of each, package llm/builtin a vector. Only then a transaction
// begins: postgres.Ingest writes document, body, chunks, terms, vectors, the
// cursor of the source and the counts of the run, together or not at all. Killing
// the process at any moment loses nothing and repeats nothing that can be seen.
//
// # Who may read it
//
// A document carries an ACL: clauses of PrincipalKeys that a Viewer must meet,
// and keys that deny. Equal ACLs share a row, the class; chunks carry its number.
// A request is tied to a Viewer in one place, package server/auth, from a session
// or a token, never from a field. postgres.Classes says which classes admit a
// viewer. Searches run over those classes alone, statistics included; whatever
// is read afterwards is read by a role for which row-level security checks the
// same classes again (postgres.DB's asViewer, migrations/roles.sql). A Grant opens a
// source or a document to one account for a while, whatever its classes: a search
// gives its chunks a class of their own, row-level security looks it up.
//
// # The way of a question
//
// package server/api takes it and gives it to answer.Asker, which stores it and
// answers it in the background: a closed laptop loses nothing. The asker makes
// follow-ups self-contained and asks retrieval.Retriever for passages. That runs
// two legs (postgres.Index) over a state in memory that the change feed brings up to
// date at the start of each search: exact BM25 over rows of postings, in segments
// and fresh, and codes of vectors, of which the nearest are compared exactly in the
// database. It fuses their scores, reads the chunks as the viewer, widens
// them to sections and merges neighbours.
//
// The passages become evidence of the message before anything of them is shown:
// later the message is shown only to who may read all of it. answer.Answerer
// writes a prompt, scans what the model streams back, takes the citation marks
// out, checks each sentence against the passages (numbers, dates, names, negation,
// wording) and ties it to the exact range that bears it out: a Citation, whose
// quote is body[Start:End] of its version by construction. Without a model, or
// when it fails, the extractive answerer picks the sentences that answer, word
// for word. Every checked sentence is an event; events are stored, and whoever
// follows the message, on any replica, gets them from any point on.
package cairn
