package main

import (
	"net/http"
	"testing"

	"github.com/cairnhq/cairn/client/clienttest"
)

const theReport = `{"accounts":120,"more_than":60,"scanned_at":"2026-11-29T00:01:07Z","pending":2,` +
	`"sources":[{"source":"handbook","documents":2,"everyone":1,"kinds":{"iban":1,"aws_key":1}}],` +
	`"days":[{"day":"2026-11-29","source":"handbook","kind":"iban","documents":1,"everyone":1}],` +
	`"documents":[{"document_id":"D1","source":"handbook","kinds":{"iban":2},"readers":{"everyone":true,"accounts":120}},` +
	`{"document_id":"D2","source":"handbook","kinds":{"aws_key":1},"readers":{"everyone":false,"accounts":80}}],"next_cursor":"x"}`

func TestReportOversharing(t *testing.T) {
	s := newShell(t)
	s.Handle("GET /api/v1/reports/oversharing", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("format") == "csv" {
			w.Header().Set("Content-Type", "text/csv; charset=utf-8")
			_, _ = w.Write([]byte("document_id,source\nD1,'-x\n"))
			return
		}
		clienttest.Write(w, 200, theReport)
	})
	s.Reply("POST /api/v1/reports/oversharing/scan", 202, "")
	s.expect(exitDone, `
120 accounts; readable by everyone or by more than 60; scanned 2026-11-29 00:01, 2 new or changed documents not yet

SOURCE    DOCUMENTS  EVERYONE  FOUND IN
handbook  2          1         aws_key 1, iban 1

DOCUMENT  SOURCE    READERS   FOUND
D1        handbook  everyone  iban 2
D2        handbook  80        aws_key 1
`, "There are more documents", "report", "oversharing")
	s.asked("GET /api/v1/reports/oversharing")
	s.expectJSON(exitDone, theReport, "report", "oversharing", "--more-than", "0", "--days", "7", "--limit", "2")
	s.asked("GET /api/v1/reports/oversharing?days=7&limit=2&more_than=0")
	s.expect(exitDone, "document_id,source\nD1,'-x\n", "", "report", "oversharing", "--csv", "--more-than", "3")
	s.asked("GET /api/v1/reports/oversharing?format=csv&more_than=3")
	s.expect(exitDone, "The detectors look at what is new or has changed within a minute.\n", "", "report", "oversharing", "--scan")
	s.expectJSON(exitDone, `{"scan":true}`, "report", "oversharing", "--scan")
	s.expect(exitUsage, "", "one of --csv and --json", "report", "oversharing", "--csv", "--json")
	s.asked("POST /api/v1/reports/oversharing/scan")
	s.expect(exitUsage, "", "negative", "report", "oversharing", "--more-than", "-1")
}

func TestReportOfNothing(t *testing.T) {
	s := newShell(t)
	s.Reply("GET /api/v1/reports/oversharing", 200, `{"accounts":1,"more_than":0,"scanned_at":null,"pending":0,"sources":[],"days":[],"documents":[],"next_cursor":null}`)
	s.expect(exitDone, `
1 accounts; readable by everyone or by more than 0; not scanned yet

Nothing sensitive was found in documents that so many may read.
`, "", "report", "oversharing")
}
