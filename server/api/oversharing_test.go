package api

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/retrieval/sensitive"
	"github.com/cairnhq/cairn/server/audit"
)

func TestOversharingReport(t *testing.T) {
	w := newWorld(t)
	report := func(query string) (out oversharing) {
		t.Helper()
		got := w.call(w.stranger, "GET", "/api/v1/reports/oversharing"+query, "") // the auditor
		if got.status != 200 {
			t.Fatalf("%s: %d %s", query, got.status, got.body)
		}
		w.m.mu.Lock() // without waiting: it is there before the reply
		logged := slices.ContainsFunc(w.m.audited, func(r audit.Row) bool { return r.Request == got.header.Get("X-Request-Id") })
		w.m.mu.Unlock()
		if !logged {
			t.Errorf("%s: the report was sent before the log had it", query)
		}
		got.into(t, &out)
		if rows := w.requested(got); len(rows) != 1 || rows[0].Object != (audit.Object{Kind: audit.KindReport, ID: "oversharing"}) {
			t.Errorf("%s: the log says %+v", query, rows)
		}
		return out
	}
	all := report("")
	if len(all.Documents) != 2 || all.Next != nil || all.MoreThan != 2 || all.Pending != 30 || all.Days[0].Day != "2026-11-29" {
		t.Errorf("%+v", all)
	}
	first := all.Documents[0]
	if first.Document != "salaries" || first.Kinds[sensitive.IBAN] != 2 || !first.Readers.Everyone || first.Readers.Accounts != 4 {
		t.Errorf("%+v", first)
	}
	if few := report("?more_than=3&days=7"); len(few.Documents) != 1 || few.MoreThan != 3 || few.Pending != 7 {
		t.Errorf("%+v", few)
	}
	if none := report("?more_than=0"); none.MoreThan != 0 || len(none.Documents) != 2 {
		t.Errorf("%+v", none)
	}
	page := report("?limit=1")
	if len(page.Documents) != 1 || page.Next == nil {
		t.Fatalf("%+v", page)
	}
	if rest := report("?limit=1&cursor=" + *page.Next); len(rest.Documents) != 1 || rest.Documents[0].Document != "travel" || rest.Next != nil {
		t.Errorf("%+v", rest)
	}
	for _, bad := range []string{"?more_than=-1", "?more_than=all", "?days=0", "?days=401", "?format=xml", "?morethan=1", "?limit=0"} {
		if got := w.call(w.root, "GET", "/api/v1/reports/oversharing"+bad, ""); got.status != 400 {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
}

// TestOversharingAsCSV reads the table as a program would, and looks for cells that a
// spreadsheet would take for a formula.
func TestOversharingAsCSV(t *testing.T) {
	w := newWorld(t)
	for _, got := range []replied{
		w.call(w.root, "GET", "/api/v1/reports/oversharing?format=csv&limit=1", ""),
		w.call(w.root, "GET", "/api/v1/reports/oversharing", "", "Accept", "text/csv"),
	} {
		if got.status != 200 || got.header.Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Fatalf("%d %v", got.status, got.header)
		}
		rows, err := csv.NewReader(strings.NewReader(string(got.body))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want := [][]string{
			{"document_id", "source", "kind", "count", "everyone", "accounts"},
			{"salaries", "'-cmd", "aws_key", "1", "true", "4"},
			{"salaries", "'-cmd", "iban", "2", "true", "4"},
			{"travel", "handbook", "salary", "3", "false", "3"},
		}
		if d := cmp.Diff(want, rows); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	for cell, want := range map[string]string{
		"": "", "a=1": "a=1", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(1)": "'@SUM(1)", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx",
	} {
		if got := inertCell(cell); got != want {
			t.Errorf("%q becomes %q", cell, got)
		}
	}
}

func TestKindsAreSpecified(t *testing.T) {
	var described []sensitive.Kind
	for _, v := range loadSpec(t).doc.Components.Schemas["SensitiveKind"].Value.Enum {
		described = append(described, sensitive.Kind(v.(string)))
	}
	if !slices.Equal(described, sensitive.Kinds()) {
		t.Errorf("openapi.yaml has %v, package sensitive %v", described, sensitive.Kinds())
	}
}
