// Package schedule says when sources are synchronised by the clock. It is pure: what has
// happened so far is given to it, and when the next sync is due follows from that, so that
// no clock has to be kept and nothing is forgotten by a restart.
package schedule

import (
	"hash/fnv"
	"strings"
	"time"
	_ "time/tzdata" // so that a zone is known on every machine

	"github.com/robfig/cron/v3"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// Off is the schedule of a source that is synchronised when somebody asks.
const Off = "off"

const (
	shortest = time.Minute
	longest  = 366 * 24 * time.Hour
	day      = 24 * time.Hour
	// Whatever is due at the same moment is spread over a tenth of the time until it is due
	// again, of at most five minutes.
	spreadShare = 10
	spreadMost  = 5 * time.Minute
	// A source that fails by a cron expression is left alone for less than a day, so that a
	// nightly sync is tried every night.
	cronPatience = 23 * time.Hour
)

// Schedule says how often a source is synchronised. The zero Schedule is Off.
type Schedule struct {
	every time.Duration
	spec  *cron.SpecSchedule
	text  string
}

// Last is what has happened to a source so far.
type Last struct {
	Since    time.Time // when the schedule began to hold: it was set, or the source resumed
	Finished time.Time // when its last sync ended; zero: it has had none
	Failures int       // how many of its last syncs, one after the other, have failed
}

// Parse reads a schedule: an interval from a minute to a year (30m, 6h), a cron expression
// of five fields, in UTC or, with CRON_TZ=Europe/Berlin before it, in a zone, or Off. Errors
// are ErrInvalid and say what to write.
func Parse(text string) (Schedule, error) {
	text = strings.TrimSpace(text)
	if text == Off {
		return Schedule{text: Off}, nil
	}
	if every, err := time.ParseDuration(text); err == nil {
		if every < shortest || every > longest {
			return Schedule{}, cairn.Errorf(cairn.ErrInvalid, "the schedule %q is out of bounds: give an interval from 1m to 8784h", text)
		}
		return Schedule{every: every, text: text}, nil
	}
	spec, err := parseCron(text)
	if err != nil {
		return Schedule{}, err
	}
	return Schedule{spec: spec, text: text}, nil
}

// parseCron reads a cron expression.
func parseCron(text string) (*cron.SpecSchedule, error) {
	zone, rest := time.UTC, text
	if name, ok := strings.CutPrefix(text, "CRON_TZ="); ok {
		name, rest, _ = strings.Cut(name, " ")
		var err error
		if zone, err = time.LoadLocation(name); err != nil || name == "" || name == "Local" {
			return nil, cairn.Errorf(cairn.ErrInvalid, "the schedule %q names no time zone: write it as in CRON_TZ=Europe/Berlin 0 3 * * *", text)
		}
	}
	invalid := func(why string) error {
		return cairn.Errorf(cairn.ErrInvalid, "the schedule %q %s: give an interval such as 30m or 6h, a cron expression such as 0 3 * * 1-5, or off", text, why)
	}
	if strings.Contains(rest, "=") { // the parser knows a second way to name a zone
		return nil, invalid("is none")
	}
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(strings.TrimSpace(rest))
	if err != nil {
		return nil, invalid("is none")
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, invalid("is none")
	}
	spec.Location = zone
	if spec.Next(time.Now()).IsZero() {
		return nil, invalid("never comes")
	}
	return spec, nil
}

// Of returns the schedule of a source of a kind: that of its settings, else the kind's.
// Errors are ErrInvalid.
func Of(kind connectors.Kind, settings map[string]string) (Schedule, error) {
	text, ok := settings[connectors.Schedule]
	switch {
	case ok && kind.Pushed:
		return Schedule{}, cairn.Errorf(cairn.ErrInvalid, "programs bring the documents of a source of kind %s: there is nothing to schedule", kind.Name)
	case ok:
		return Parse(text)
	case kind.SyncEvery > 0:
		return Schedule{every: kind.SyncEvery, text: short(kind.SyncEvery)}, nil
	}
	return Schedule{text: Off}, nil
}

// short writes a duration without what is zero at its end: 15m, not 15m0s.
func short(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// String returns the schedule as Parse reads it.
func (s Schedule) String() string {
	if s.text == "" {
		return Off
	}
	return s.text
}

// Next returns when a source is due; zero: never. That may have passed long ago: what was
// missed, however often, is one sync that is due now. seed, the source's id, spreads
// sources that have the same schedule.
//
// An interval counts from the end of the last sync. A cron expression counts from there, or
// from when it was set: whoever sets one for the night does not want a sync at noon. Every
// failure doubles how long the source is left alone, up to a day.
func (s Schedule) Next(last Last, seed string) time.Time {
	switch {
	case s.every > 0:
		wait := max(s.every, min(backoff(s.every, last.Failures), day))
		from := last.Finished
		if from.IsZero() {
			from = last.Since
		}
		return from.Add(wait + spread(seed, s.every))
	case s.spec != nil:
		from := last.Since
		if after := last.Finished.Add(min(backoff(shortest, last.Failures), cronPatience)); last.Finished.After(from) {
			from = after
		}
		at := s.spec.Next(from)
		return at.Add(spread(seed, s.spec.Next(at).Sub(at)))
	}
	return time.Time{}
}

// backoff returns a time that doubles with every failure; nothing before the first.
func backoff(base time.Duration, failures int) time.Duration {
	if failures == 0 {
		return 0
	}
	return base << min(failures, 20)
}

// spread returns how much later than others a source is due that is due again after a
// period.
func spread(seed string, period time.Duration) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed)) // it never fails
	most := min(period/spreadShare, spreadMost)
	return time.Duration(h.Sum64()>>11) % max(most, 1)
}
