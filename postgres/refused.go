package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cairnhq/cairn"
)

// Codes of PostgreSQL for what a caller did, not the database.
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	checkViolation      = "23514"
	badText             = "22021" // a NUL, or no UTF-8
	badEscape           = "22P05" // a NUL inside JSON
	tooLong             = "54000" // for an index, say
)

// queryCanceled is PostgreSQL's code for a statement that took longer than it may.
const queryCanceled = "57014"

// tooSlow makes an error for a statement that took longer than it may one of kind
// ErrUnavailable; others are returned as they are.
func tooSlow(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == queryCanceled {
		return fmt.Errorf("%w: %w", cairn.Errorf(cairn.ErrUnavailable, "the database took too long; try again"), err)
	}
	return err
}

// refused turns the refusal of a write by the schema into an error that the
// caller can tell apart: conflict is the message where something of the name
// exists already. Other errors are returned as they are.
func refused(err error, conflict string) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return notFound(err)
	}
	switch pg.Code {
	case uniqueViolation:
		return cairn.Errorf(cairn.ErrConflict, "%s", conflict)
	case foreignKeyViolation:
		return cairn.Errorf(cairn.ErrInvalid, "something that is named here does not exist")
	case checkViolation:
		return cairn.Errorf(cairn.ErrInvalid, "a value is not allowed (%s)", pg.ConstraintName)
	case badText, badEscape:
		return cairn.Errorf(cairn.ErrInvalid, "text must be valid UTF-8 without the character NUL")
	}
	return err
}

// missing turns the failure to find something by name into ErrNotFound, also
// where the name is one that PostgreSQL cannot hold.
func missing(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == badText {
		return cairn.ErrNotFound
	}
	return notFound(err)
}

// unfit turns the refusal of a document by its content into an ErrInvalid; other
// errors are returned as they are.
func unfit(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case badText, badEscape:
		return cairn.Errorf(cairn.ErrInvalid, "text must be valid UTF-8 without the character NUL")
	case tooLong:
		return cairn.Errorf(cairn.ErrInvalid, "the id or another field of the document, or a principal of its acl, is too long to be stored")
	}
	return err
}
