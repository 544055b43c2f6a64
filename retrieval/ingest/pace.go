package ingest

import (
	"errors"
	"net/http"
	"time"

	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

// The sizes of batches that an embedder is given, in chunks. They begin small:
// a batch that is too slow costs the whole time limit of an embedder, and some
// in a row have it left alone for a while, by questions too.
const (
	fillFirst = 4
	fillMost  = 32
	fillLong  = 15 * time.Second // a batch that takes longer is near the limit
	fillShort = 5 * time.Second  // twice as many are far from it
	fillCalm  = 4                // short batches in a row after which they grow
)

// pace finds the size of batches that an embedder answers in time.
type pace struct {
	size  int
	short int // short batches of this size in a row
}

// next returns the size of the next batch.
func (p *pace) next() int {
	if p.size == 0 {
		p.size = fillFirst
	}
	return p.size
}

// answered notes that a batch of n chunks took so long.
func (p *pace) answered(n int, took time.Duration) {
	switch {
	case took > fillLong:
		p.halve(n)
	case took > fillShort:
		p.short = 0
	case n == p.size: // less says nothing of a full one
		if p.short++; p.short == fillCalm {
			p.size, p.short = min(2*p.size, fillMost), 0
		}
	}
}

// halve notes that a batch of n chunks was too much.
func (p *pace) halve(n int) { p.size, p.short = max(n/2, 1), 0 }

// tooMuch reports whether an embedder may well answer a part of the batch that
// it failed on: it was too slow, or refused this request. It may not when it is
// not there, wants to be left alone, or refuses all requests.
func tooMuch(err error) bool {
	if errors.Is(err, reliable.ErrFirstToken) || errors.Is(err, reliable.ErrTotal) {
		return true
	}
	var e *llm.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case http.StatusInternalServerError, // of some servers, for a text that is too long
		http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return true
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		return false
	}
	return e.Kind == llm.ErrRejected
}
