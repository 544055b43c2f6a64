package ingest

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// Class says for a log what went wrong with a source: by codes, kinds and the names
// of types, never in the words of an error. Those may quote the name or the text of a
// document, and nobody erases a log.
func Class(err error) string {
	var words []string
	classes(err, func(word string) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	})
	return strings.Join(words, ", ")
}

// classes tells of an error or, where it only wraps others, of those.
func classes(err error, tell func(string)) {
	word, known := class(err)
	if known {
		tell(word)
	}
	var inner []error
	switch e := err.(type) { //nolint:errorlint // the tree is walked
	case interface{ Unwrap() []error }:
		inner = e.Unwrap()
	case interface{ Unwrap() error }:
		inner = []error{e.Unwrap()}
	}
	inner = slices.DeleteFunc(slices.Clone(inner), func(e error) bool { return e == nil })
	if !known && len(inner) == 0 {
		tell(fmt.Sprintf("%T", err))
	}
	for _, e := range inner {
		classes(e, tell)
	}
}

// class returns what an error is, without what it wraps.
func class(err error) (word string, known bool) {
	for _, words := range []error{ // which are those of programs alone
		cairn.ErrInvalid, cairn.ErrUnauthenticated, cairn.ErrDenied, cairn.ErrNotFound, cairn.ErrConflict, cairn.ErrTooLarge,
		cairn.ErrRateLimited, cairn.ErrBudget, cairn.ErrUnavailable, errGuard,
		context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
	} {
		if err == words { //nolint:errorlint // what it wraps is looked at by itself
			return err.Error(), true
		}
	}
	switch e := err.(type) { //nolint:errorlint // what it wraps is looked at by itself
	case *connectors.DocumentError:
		return e.Code, true
	case *extract.Failure:
		return e.Code, true
	case *llm.Error:
		return "model " + string(e.Kind), true
	case *net.DNSError:
		return "unknown host", true
	case syscall.Errno:
		return e.Error(), true
	case interface{ SQLState() string }:
		return "SQLSTATE " + e.SQLState(), true
	}
	return "", false
}
