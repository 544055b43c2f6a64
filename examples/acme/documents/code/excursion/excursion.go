// Package excursion finds the times in which a shipment was too warm or too
// cold, and sums up what the goods went through. The alert service of Floe
// uses it for live readings, the report service for finished shipments.
package excursion

import (
	"errors"
	"math"
	"time"
)

// DefaultGrace is how long readings may lie outside the band before an
// excursion begins, unless the customer chose another value.
const DefaultGrace = 10 * time.Minute

// MaxGap is the longest pause between two readings that still counts as
// continuous. After a longer pause nothing is known about the goods, and an
// open excursion ends at the last reading before it.
const MaxGap = 45 * time.Minute

// ErrUnordered is returned when readings are not in order of time.
var ErrUnordered = errors.New("excursion: readings are not sorted by time")

// A Reading is one measurement of a logger.
type Reading struct {
	At      time.Time // time of measurement, not of arrival
	Celsius float64
}

// A Band is the range of temperature in which the goods must stay, both
// limits included.
type Band struct {
	Low, High float64 // degrees Celsius
}

// Contains reports whether a temperature lies in the band.
func (b Band) Contains(celsius float64) bool {
	return celsius >= b.Low && celsius <= b.High
}

// distance says how far a temperature lies outside the band, in kelvins.
func (b Band) distance(celsius float64) float64 {
	return math.Max(0, math.Max(b.Low-celsius, celsius-b.High))
}

// An Excursion is a time outside the band.
type Excursion struct {
	Start, End time.Time
	// Worst is the temperature that was furthest outside the band.
	Worst float64
}

// Duration is the time from the first to the last reading outside the band.
func (e Excursion) Duration() time.Duration { return e.End.Sub(e.Start) }

// Detect returns the excursions in readings, in order of time. A run of
// readings outside the band counts only if it lasts longer than grace; a
// negative grace means DefaultGrace. Readings must be sorted by time,
// otherwise Detect returns ErrUnordered.
func Detect(readings []Reading, band Band, grace time.Duration) ([]Excursion, error) {
	if grace < 0 {
		grace = DefaultGrace
	}
	var found []Excursion
	var open *Excursion
	closeRun := func() {
		if open != nil && open.Duration() > grace {
			found = append(found, *open)
		}
		open = nil
	}
	for i, r := range readings {
		if i > 0 {
			gap := r.At.Sub(readings[i-1].At)
			if gap < 0 {
				return nil, ErrUnordered
			}
			if gap > MaxGap {
				closeRun()
			}
		}
		if band.Contains(r.Celsius) {
			closeRun()
			continue
		}
		if open == nil {
			open = &Excursion{Start: r.At, Worst: r.Celsius}
		}
		open.End = r.At
		if band.distance(r.Celsius) > band.distance(open.Worst) {
			open.Worst = r.Celsius
		}
	}
	closeRun()
	return found, nil
}
