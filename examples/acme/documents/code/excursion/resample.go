package excursion

import "time"

// Resample returns readings at equal steps from the first to the last one.
// Values between two readings are interpolated on a straight line. Where the
// pause between two readings is longer than MaxGap, the steps inside it are
// left out instead of being invented. Readings must be sorted by time. A step
// of zero or less returns nil.
func Resample(readings []Reading, step time.Duration) []Reading {
	if len(readings) == 0 || step <= 0 {
		return nil
	}
	var out []Reading
	last := readings[len(readings)-1].At
	i := 0
	for t := readings[0].At; !t.After(last); t = t.Add(step) {
		for i+1 < len(readings) && !readings[i+1].At.After(t) {
			i++
		}
		if i+1 == len(readings) || readings[i].At.Equal(t) {
			out = append(out, Reading{At: t, Celsius: readings[i].Celsius})
			continue
		}
		a, b := readings[i], readings[i+1]
		if b.At.Sub(a.At) > MaxGap {
			continue
		}
		part := float64(t.Sub(a.At)) / float64(b.At.Sub(a.At))
		out = append(out, Reading{At: t, Celsius: a.Celsius + part*(b.Celsius-a.Celsius)})
	}
	return out
}
