package jira

import (
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// TestMinute writes every ten minutes of a year as JQL does, in zones whose clocks are
// put forward and back: read in either way that is possible, the time is not later than
// what was meant, and not much earlier.
func TestMinute(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Skip("this machine has no time zones")
		}
		begin := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
		for at := begin; at.Before(begin.AddDate(1, 0, 0)); at = at.Add(10 * time.Minute) {
			text := minute(at, zone)
			read, err := time.ParseInLocation("2006/01/02 15:04", text, zone)
			if err != nil {
				t.Fatal(err)
			}
			// What comes twice may be meant either way: half an hour or an hour apart.
			for _, apart := range []time.Duration{-time.Hour, -time.Hour / 2, 0, time.Hour / 2, time.Hour} {
				other := read.Add(apart)
				if other.In(zone).Format("2006/01/02 15:04") != text {
					continue
				}
				if other.After(at) || at.Sub(other) > 5*time.Hour {
					t.Fatalf("%s: %v is written %s, which may be read as %v", name, at, text, other.UTC())
				}
			}
		}
	}
}

// TestMinuteOfNoZone is early enough in every zone that there is.
func TestMinuteOfNoZone(t *testing.T) {
	at := time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)
	for offset := -12; offset <= 14; offset++ {
		read, err := time.ParseInLocation("2006/01/02 15:04", minute(at, nil), time.FixedZone("", offset*60*60))
		if err != nil || read.After(at) {
			t.Errorf("%d hours east, it is %v, %v", offset, read, err)
		}
	}
}

func TestJQL(t *testing.T) {
	q := query{project: "10000", by: "updated"}
	if got, want := q.jql(time.UTC), "project = 10000 ORDER BY updated ASC, key ASC"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	q.since = time.Date(2025, 3, 1, 12, 3, 59, 999, time.UTC)
	if got, want := q.jql(time.UTC), `project = 10000 AND updated >= "2025/03/01 11:58" ORDER BY updated ASC, key ASC`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestDecode takes a cursor that is none for the beginning.
func TestDecode(t *testing.T) {
	for _, c := range []connectors.Cursor{"", "7", "null", "{", `{"1":7}`, `[]`} {
		if got := decode(c); got == nil || len(got) > 0 {
			t.Errorf("%q is %v", c, got)
		}
	}
	p := positions{"1": {Access: "x", Updated: 5}}
	if got := decode(p.cursor()); got["1"] != p["1"] {
		t.Errorf("%v becomes %v", p, got)
	}
	if got := p["1"].read(time.UnixMilli(3)); got.Updated != 5 {
		t.Errorf("the position goes back to %d", got.Updated)
	}
}
