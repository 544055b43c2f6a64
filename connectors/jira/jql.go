package jira

import (
	"fmt"
	"time"
	_ "time/tzdata" // the image has no files of time zones
)

// overlap is how much of what was read is read again: an issue may come into the search
// index after one that was updated later.
const overlap = 5 * time.Minute

// query is a search for the issues of a project, from the one updated (or created) first
// to the last.
type query struct {
	project string    // id
	by      string    // updated or created
	since   time.Time // zero: all
	fields  []string
	size    int // issues of a page
}

// jql returns the query in JQL. A time of JQL is a minute in the time zone of who asks.
func (q query) jql(zone *time.Location) string {
	clause := "project = " + q.project
	if !q.since.IsZero() {
		clause += fmt.Sprintf(` AND %s >= "%s"`, q.by, minute(q.since.Add(-overlap), zone))
	}
	return clause + fmt.Sprintf(" ORDER BY %s ASC, key ASC", q.by)
}

// margin is more than any clock is put forward or back.
const margin = 3 * time.Hour

// minute returns a time as JQL writes it, or an earlier one. Where clocks are put back an
// hour comes twice, and nobody says which one is meant: near to that, a time before it is
// returned. Of a zone that is not known (nil), a time that is early enough everywhere.
func minute(at time.Time, zone *time.Location) string {
	const layout = "2006/01/02 15:04"
	if zone == nil {
		return at.UTC().Add(-12 * time.Hour).Format(layout)
	}
	local := at.In(zone)
	_, now := local.Zone()
	_, before := local.Add(-margin).Zone()
	_, after := local.Add(margin).Zone()
	if before != now || after != now {
		local = at.Add(-margin).In(zone)
	}
	return local.Format(layout)
}
