package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs/schedule"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func parsed(t *testing.T, text string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

func TestBadSchedulesSayWhatToWrite(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "is none",
		"59s":                                "from 1m",
		"-5m":                                "from 1m",
		"9000h":                              "from 1m",
		"daily":                              "is none",
		"@daily":                             "is none",
		"@every 1s":                          "is none",
		"* * * *":                            "is none",
		"* * * * * *":                        "is none",
		"61 * * * *":                         "is none",
		"0 0 30 2 *":                         "never comes",
		"TZ=Europe/Berlin 0 3 * * *":         "is none",
		"CRON_TZ=Nowhere/City 0 3 * * *":     "no time zone",
		"CRON_TZ= 0 3 * * *":                 "no time zone",
		"CRON_TZ=Local 0 3 * * *":            "no time zone",
		"CRON_TZ=Europe/Berlin":              "is none",
		"CRON_TZ=UTC TZ=UTC":                 "is none",
		"CRON_TZ=../../etc/passwd 0 3 * * *": "no time zone",
	} {
		_, err := schedule.Parse(text)
		if !errors.Is(err, cairn.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// between fails unless a time lies in [from, until).
func between(t *testing.T, what string, got, from, until time.Time) {
	t.Helper()
	if got.Before(from) || !got.Before(until) {
		t.Errorf("%s: %v, want one from %v to %v", what, got, from, until)
	}
}

func TestIntervalCountsFromTheEnd(t *testing.T) {
	s := parsed(t, "1h")
	since, finished := at("2026-11-01T00:00:00Z"), at("2026-11-29T10:00:00Z")
	between(t, "never read", s.Next(schedule.Last{Since: since}, "a"), since.Add(time.Hour), since.Add(65*time.Minute))
	between(t, "read", s.Next(schedule.Last{Since: since, Finished: finished}, "a"), finished.Add(time.Hour), finished.Add(65*time.Minute))
	if s.String() != "1h" {
		t.Errorf("it is shown as %q", s)
	}
}

func TestCronGoesByItsZone(t *testing.T) {
	last := schedule.Last{Since: at("2026-01-01T00:00:00Z"), Finished: at("2026-07-01T00:00:00Z")}
	for text, want := range map[string]string{
		"30 3 * * *":                         "2026-07-01T03:30:00Z",
		"CRON_TZ=Europe/Berlin 30 3 * * *":   "2026-07-01T01:30:00Z",
		"CRON_TZ=Asia/Kolkata 30 3 * * *":    "2026-07-01T22:00:00Z",
		"0 22 * * 1-5":                       "2026-07-01T22:00:00Z",
		"CRON_TZ=America/New_York 0 0 1 * *": "2026-07-01T04:00:00Z",
	} {
		from := at(want)
		between(t, text, parsed(t, text).Next(last, "a"), from, from.Add(5*time.Minute))
	}
}

// What is set in the daytime for the night does not begin in the daytime; what was missed
// in the night does.
func TestCronCountsFromWhenItWasSet(t *testing.T) {
	s := parsed(t, "0 3 * * *")
	set := at("2026-11-29T12:00:00Z")
	next := s.Next(schedule.Last{Since: set, Finished: at("2026-11-20T00:00:00Z")}, "a")
	between(t, "set at noon", next, at("2026-11-30T03:00:00Z"), at("2026-11-30T03:05:00Z"))
	next = s.Next(schedule.Last{Since: at("2026-11-01T00:00:00Z"), Finished: at("2026-11-26T03:10:00Z")}, "a")
	between(t, "missed", next, at("2026-11-27T03:00:00Z"), at("2026-11-27T03:05:00Z"))
}

func TestFailuresDoubleTheWaitUpToADay(t *testing.T) {
	finished := at("2026-11-29T10:00:00Z")
	for _, c := range []struct {
		text     string
		failures int
		want     time.Duration
	}{
		{"15m", 0, 15 * time.Minute}, {"15m", 1, 30 * time.Minute}, {"15m", 3, 2 * time.Hour}, {"15m", 12, 24 * time.Hour},
		{"48h", 0, 48 * time.Hour}, {"48h", 5, 48 * time.Hour}, {"1m", 12, 24 * time.Hour}, {"1m", 1 << 40, 24 * time.Hour},
	} {
		got := parsed(t, c.text).Next(schedule.Last{Finished: finished, Failures: c.failures}, "a")
		between(t, c.text, got, finished.Add(c.want), finished.Add(c.want+5*time.Minute))
	}
	minutes := parsed(t, "* * * * *").Next(schedule.Last{Finished: finished, Failures: 5}, "a")
	between(t, "cron", minutes, finished.Add(32*time.Minute), finished.Add(34*time.Minute))
	nightly := parsed(t, "0 10 * * *").Next(schedule.Last{Finished: finished.Add(time.Minute), Failures: 12}, "a")
	between(t, "a nightly one is tried every night", nightly, finished.Add(24*time.Hour), finished.Add(24*time.Hour+5*time.Minute))
}

func TestSourcesAreSpread(t *testing.T) {
	finished := at("2026-11-29T10:00:00Z")
	for _, text := range []string{"1m", "1h", "24h", "0 * * * *"} {
		s := parsed(t, text)
		seen := make(map[time.Time]bool)
		for range 50 {
			id := cairn.NewID()
			next := s.Next(schedule.Last{Finished: finished}, id)
			if next != s.Next(schedule.Last{Finished: finished}, id) {
				t.Fatalf("%s: one source has two times", text)
			}
			seen[next.Truncate(time.Second/2)] = true
		}
		if len(seen) < 6 {
			t.Errorf("%s: 50 sources have %d times", text, len(seen))
		}
	}
}

func TestDefaultsOfKinds(t *testing.T) {
	files := connectors.Kind{Name: "files", SyncEvery: 15 * time.Minute}
	for want, settings := range map[string]map[string]string{"15m": nil, "off": {"schedule": "off"}, "2h": {"schedule": "2h"}} {
		if s, err := schedule.Of(files, settings); err != nil || s.String() != want {
			t.Errorf("%v: %q, %v", settings, s, err)
		}
	}
	if s, err := schedule.Of(connectors.Kind{SyncEvery: 6 * time.Hour}, nil); err != nil || s.String() != "6h" {
		t.Errorf("%q, %v", s, err)
	}
	none, err := schedule.Of(connectors.Kind{}, nil)
	if err != nil || none.String() != "off" || !none.Next(schedule.Last{Since: at("2026-11-29T10:00:00Z")}, "a").IsZero() {
		t.Errorf("%q, %v", none, err)
	}
	if _, err := schedule.Of(connectors.Kind{Name: "push", Pushed: true}, map[string]string{"schedule": "1h"}); !errors.Is(err, cairn.ErrInvalid) {
		t.Errorf("a pushed source: %v", err)
	}
}
