package eval

import (
	"math"
	"math/rand/v2"
	"slices"
)

const (
	// Resamples is how often a comparison draws its queries anew.
	Resamples = 10_000
	// Seed is that of the draws, so that a comparison always says the same.
	Seed = 2006
	// Alpha is the level of significance: differences with a smaller p count.
	Alpha = .05
)

// Bootstrap is what a paired bootstrap says of the mean of differences.
type Bootstrap struct {
	Mean float64 `json:"difference"`
	Low  float64 `json:"low"` // of the 95 % interval of the mean
	High float64 `json:"high"`
	P    float64 `json:"p"` // two-sided
}

// PairedBootstrap draws the differences of pairs anew, with replacement,
// Resamples times. P is that of the studentised test of Sakai, "Evaluating
// evaluation metrics based on the bootstrap" (SIGIR 2006), after Efron and
// Tibshirani, "An introduction to the bootstrap" (1993): how often the t value
// of differences that are shifted to the mean 0 is as far from 0 as the one that
// was seen. The interval holds the middle 95 % of the drawn means. P is never
// below 1 in Resamples+1, and 1 when there are no differences. Nor is it below the
// least p of a sign test, 2 in 2^n: few pairs, of which the drawn have no variance,
// prove nothing, so that with fewer than six there is no significance.
func PairedBootstrap(differences []float64) Bootstrap { return bootstrap(differences, Resamples) }

func bootstrap(differences []float64, resamples int) Bootstrap {
	n := len(differences)
	if n == 0 {
		return Bootstrap{P: 1}
	}
	mean, seen := student(differences)
	shifted, drawn := make([]float64, n), make([]float64, n)
	for i, d := range differences {
		shifted[i] = d - mean
	}
	random := rand.New(rand.NewPCG(Seed, uint64(n)))
	means, extreme := make([]float64, resamples), 0
	for b := range means {
		for i := range drawn {
			drawn[i] = shifted[random.IntN(n)]
		}
		m, t := student(drawn)
		means[b] = m + mean
		if math.Abs(t) >= math.Abs(seen) {
			extreme++
		}
	}
	slices.Sort(means)
	cut := resamples * 25 / 1000
	p := float64(extreme+1) / float64(resamples+1) // the sample that was seen is one of them
	return Bootstrap{Mean: mean, Low: means[cut], High: means[resamples-1-cut], P: max(p, math.Ldexp(2, -n))}
}

// tiny is what rounding leaves of a difference of measures that is none.
const tiny = 1e-12

// student returns the mean and its t value: the mean over its standard error; 0
// for a mean of 0, infinite for equal values other than 0.
func student(values []float64) (mean, t float64) {
	n := float64(len(values))
	for _, v := range values {
		mean += v
	}
	if mean /= n; math.Abs(mean) < tiny {
		return 0, 0
	}
	var squares float64
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	deviation := math.Sqrt(squares / max(n-1, 1))
	if deviation < tiny {
		return mean, math.Inf(1)
	}
	return mean, mean / (deviation / math.Sqrt(n))
}
