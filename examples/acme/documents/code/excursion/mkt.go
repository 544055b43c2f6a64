package excursion

import (
	"errors"
	"math"
)

const (
	// activationEnergy is the heat of activation that pharmacopoeias assume
	// for medicines of unknown composition, in joules per mole.
	activationEnergy = 83_144.0
	// gasConstant is in joules per mole and kelvin.
	gasConstant = 8.3144
	zeroCelsius = 273.15
)

// ErrNoReadings is returned when there is nothing to average.
var ErrNoReadings = errors.New("excursion: no readings")

// MeanKineticTemperature returns, in degrees Celsius, the constant temperature
// that would have stressed the goods as much as the readings did. Warm hours
// weigh more than cold ones, so the result is never below the arithmetic mean.
// The readings must be evenly spaced; Resample makes them so.
func MeanKineticTemperature(readings []Reading) (float64, error) {
	if len(readings) == 0 {
		return 0, ErrNoReadings
	}
	const k = activationEnergy / gasConstant
	var sum float64
	for _, r := range readings {
		sum += math.Exp(-k / (r.Celsius + zeroCelsius))
	}
	return k/-math.Log(sum/float64(len(readings))) - zeroCelsius, nil
}
