package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/llm"
)

// Names and texts of documents do not get into the log, in whatever error they come.
func TestClassHasNoWordOfAnError(t *testing.T) {
	t.Parallel()
	const name = "hr/dismissal of ada"
	denied := &fs.PathError{Op: "open", Path: name, Err: syscall.EACCES}
	for want, err := range map[string]error{
		"permission denied":                             denied,
		"incomplete, permission denied":                 &connectors.DocumentError{Code: "incomplete", Reason: name, Err: fmt.Errorf("%s: %w", name, denied)},
		"unavailable":                                   fmt.Errorf("list %s: %w", name, cairn.Errorf(cairn.ErrUnavailable, "%s is away", name)),
		"corrupt":                                       &extract.Failure{Code: "corrupt", Reason: name},
		"SQLSTATE 22021":                                fmt.Errorf("commit: %w", &pgconn.PgError{Code: "22021", Message: name, Detail: name}),
		"context deadline exceeded":                     &url.Error{Op: "Get", URL: "https://acme.test/" + name, Err: context.DeadlineExceeded},
		"model unavailable, *errors.errorString":        &llm.Error{Kind: llm.ErrUnavailable, Err: errors.New(name)},
		"*errors.errorString, conflict":                 errors.Join(errors.New(name), cairn.ErrConflict, errors.New(name)),
		"connection refused":                            fmt.Errorf("%s: %w", name, syscall.ECONNREFUSED),
		errGuard.Error() + ", " + "*errors.errorString": errors.Join(errGuard, errors.New("read "+name)),
	} {
		if got := Class(err); got != want || strings.Contains(got, "ada") {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
}
