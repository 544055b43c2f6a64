package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/sensitive"
	"github.com/cairnhq/cairn/server/audit"
)

// Reports tells which documents with something sensitive in them many may read. Its
// callers are administrators and auditors: it tells ids and counts, and nothing else
// of a document.
type Reports interface {
	// Oversharing returns the report with a page of its documents, by source and id.
	// Documents count that more accounts than moreThan may read, nil: half of them,
	// or everyone who signs in.
	Oversharing(ctx context.Context, moreThan *int, days int, p Page) (report Oversharing, next string, err error)
	// OversharedDocuments returns all documents of the report.
	OversharedDocuments(ctx context.Context, moreThan *int) ([]OversharedDocument, error)
	// RequestScan makes the detectors look within a minute at what is new or changed.
	RequestScan(ctx context.Context) error
}

// Oversharing is the report.
type Oversharing struct {
	Accounts  int       // that are not disabled
	MoreThan  int       // so many readers are not yet too many
	Scanned   time.Time // end of the last scan; zero: there was none yet
	Pending   int       // documents at which the detectors have not looked as they are now
	Sources   []OversharedSource
	Days      []OversharedDay // oldest first
	Documents []OversharedDocument
}

// OversharedSource counts the documents of a source.
type OversharedSource struct {
	Source    string // name
	Documents int
	Everyone  int                    // of them: that whoever signs in may read
	Kinds     map[sensitive.Kind]int // documents in which a kind was found
}

// OversharedDay counts, as of the end of a day's last scan, the documents with a kind
// that more than half of the accounts could read.
type OversharedDay struct {
	Day       time.Time
	Source    string
	Kind      sensitive.Kind
	Documents int
	Everyone  int
}

// OversharedDocument is a document with what was found in it.
type OversharedDocument struct {
	Document cairn.DocumentID
	Source   string
	Counts   map[sensitive.Kind]int // different values
	Readers  Readers
}

// Readers says how many may read something.
type Readers struct {
	Everyone bool // whoever signs in, now or later
	Accounts int  // that are not disabled
}

// oversharing is the report as it is sent.
type oversharing struct {
	Accounts  int                  `json:"accounts"`
	MoreThan  int                  `json:"more_than"`
	Scanned   *time.Time           `json:"scanned_at"`
	Pending   int                  `json:"pending"`
	Sources   []oversharedSource   `json:"sources"`
	Days      []oversharedDay      `json:"days"`
	Documents []oversharedDocument `json:"documents"`
	Next      *string              `json:"next_cursor"`
}

type oversharedSource struct {
	Source    string                 `json:"source"`
	Documents int                    `json:"documents"`
	Everyone  int                    `json:"everyone"`
	Kinds     map[sensitive.Kind]int `json:"kinds"`
}

type oversharedDay struct {
	Day       string         `json:"day"`
	Source    string         `json:"source"`
	Kind      sensitive.Kind `json:"kind"`
	Documents int            `json:"documents"`
	Everyone  int            `json:"everyone"`
}

type oversharedDocument struct {
	Document cairn.DocumentID       `json:"document_id"`
	Source   string                 `json:"source"`
	Kinds    map[sensitive.Kind]int `json:"kinds"`
	Readers  documentReaders        `json:"readers"`
}

type documentReaders struct {
	Everyone bool `json:"everyone"`
	Accounts int  `json:"accounts"`
}

// reportOversharing answers GET /reports/oversharing. That somebody reads the report
// is in the log before it is sent.
func (a *API) reportOversharing(c *gin.Context) error {
	values, err := params(c, "limit", "cursor", "more_than", "days", "format")
	if err != nil {
		return err
	}
	p, err := page(values)
	if err != nil {
		return err
	}
	days, err := number(values, "days", 30, 400)
	if err != nil {
		return err
	}
	moreThan, err := threshold(values)
	if err != nil {
		return err
	}
	asCSV, err := wantsCSV(c, values)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	audit.FromContext(ctx).About(audit.KindReport, "oversharing")
	if err := audit.FromContext(ctx).Write(ctx); err != nil {
		return err
	}
	if asCSV {
		return a.exportOversharing(c, moreThan)
	}
	r, next, err := a.Store.Oversharing(ctx, moreThan, days, p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, oversharing{
		Accounts: r.Accounts, MoreThan: r.MoreThan, Scanned: moment(r.Scanned), Pending: r.Pending,
		Sources:   mapped(r.Sources, func(s OversharedSource) oversharedSource { return oversharedSource(s) }),
		Days:      mapped(r.Days, oversharedDayOf),
		Documents: mapped(r.Documents, oversharedDocumentOf), Next: after(next),
	})
}

// threshold reads the parameter more_than; nil when it is missing.
func threshold(values map[string]string) (*int, error) {
	s, ok := values["more_than"]
	if !ok {
		return nil, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return nil, cairn.Errorf(cairn.ErrInvalid, "more_than is %q; give a number of accounts, 0 or more", s)
	}
	return &n, nil
}

// wantsCSV reports whether a caller asks for CSV: by a parameter, else by the header.
func wantsCSV(c *gin.Context, values map[string]string) (bool, error) {
	if format, ok := values["format"]; ok {
		return format == "csv", oneOf("format", format, "csv", "json")
	}
	return strings.HasPrefix(c.Request.Header.Get("Accept"), "text/csv"), nil
}

func oversharedDayOf(d OversharedDay) oversharedDay {
	return oversharedDay{d.Day.Format(time.DateOnly), d.Source, d.Kind, d.Documents, d.Everyone}
}

func oversharedDocumentOf(d OversharedDocument) oversharedDocument {
	return oversharedDocument{d.Document, d.Source, d.Counts, documentReaders(d.Readers)}
}

// exportOversharing sends a row for each kind in each document.
func (a *API) exportOversharing(c *gin.Context, moreThan *int) error {
	all, err := a.Store.OversharedDocuments(c.Request.Context(), moreThan)
	if err != nil {
		return err
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	row := func(cells ...string) {
		_ = w.Write(mapped(cells, inertCell)) // into memory
	}
	row("document_id", "source", "kind", "count", "everyone", "accounts")
	for _, d := range all {
		for _, kind := range slices.Sorted(maps.Keys(d.Counts)) {
			row(string(d.Document), d.Source, string(kind), strconv.Itoa(d.Counts[kind]), strconv.FormatBool(d.Readers.Everyone), strconv.Itoa(d.Readers.Accounts))
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	h := c.Writer.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="oversharing.csv"`)
	c.Writer.WriteHeader(http.StatusOK)
	_, _ = c.Writer.WriteString(b.String()) // who does not read the reply is gone
	return nil
}

// inertCell returns a cell of a table that no spreadsheet takes for a formula (OWASP,
// CSV Injection).
func inertCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// requestScan answers POST /reports/oversharing/scan.
func (a *API) requestScan(c *gin.Context) error {
	if err := a.Store.RequestScan(c.Request.Context()); err != nil {
		return err
	}
	c.Writer.WriteHeader(http.StatusAccepted)
	c.Writer.WriteHeaderNow()
	return nil
}
