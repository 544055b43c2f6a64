package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cairnhq/cairn/retrieval/eval"
)

// plot is a drawing of rectangles, lines, points and texts, in pixels from the
// upper left. Classes belong to style.css.
type plot struct {
	Width, Height int
	Title         string // for who does not see it
	Bars          []bar
	Lines         []line
	Path          string // a curve, as SVG's path data
	Points        []point
	Labels        []label
}

type bar struct {
	X, Y, W, H  float64
	Class, Text string
}

type line struct {
	X1, Y1, X2, Y2 float64
	Class          string
}

type point struct {
	X, Y, R     float64
	Class, Text string
}

type label struct {
	X, Y        float64
	Class, Text string // the class holds the anchor: start, middle or end
}

func (p *plot) line(x1, y1, x2, y2 float64, class string) {
	p.Lines = append(p.Lines, line{round(x1), round(y1), round(x2), round(y2), class})
}

func (p *plot) label(x, y float64, class, format string, args ...any) {
	text := strings.Replace(fmt.Sprintf(format, args...), "-", "−", 1)
	p.Labels = append(p.Labels, label{round(x), round(y), class, text})
}

// round keeps tenths of a pixel, so that the file stays small.
func round(v float64) float64 { return math.Round(v*10) / 10 }

// scale maps values low to high onto pixels from to to.
type scale struct{ low, high, from, to float64 }

func (s scale) at(v float64) float64 {
	if s.high == s.low {
		return s.from
	}
	return s.from + (v-s.low)/(s.high-s.low)*(s.to-s.from)
}

// The frame of the plots, in pixels.
const (
	width, height            = 520, 240
	left, right, top, bottom = 46, 12, 18, 38
)

func newPlot(title string) (p plot, x, y scale) {
	p = plot{Width: width, Height: height, Title: title}
	x = scale{0, 1, left, width - right}
	y = scale{0, 1, height - bottom, top}
	return p, x, y
}

// histogram counts values of 0 to 1 in ten steps.
func histogram(title string, values []float64) plot {
	const steps = 10
	p, x, y := newPlot(title)
	var counts [steps]int
	for _, v := range values {
		counts[min(max(int(v*steps), 0), steps-1)]++
	}
	y.high = float64(max(slices.Max(counts[:]), 1))
	p.line(left, y.from, width-right, y.from, "axis")
	for i, n := range counts {
		low, high := float64(i)/steps, float64(i+1)/steps
		b := bar{X: round(x.at(low) + 1.5), Y: round(y.at(float64(n))), Class: "a", Text: fmt.Sprintf("%d queries from %.1f to %.1f", n, low, high)}
		b.W, b.H = round(x.at(high)-x.at(low)-3), round(y.from-b.Y)
		p.Bars = append(p.Bars, b)
		if n > 0 {
			p.label(x.at((low+high)/2), b.Y-5, "middle strong", "%d", n)
		}
	}
	for i := 0; i <= steps; i += 2 {
		p.label(x.at(float64(i)/steps), y.from+16, "middle", "%.1f", float64(i)/steps)
	}
	p.label(x.at(.5), height-4, "middle", "nDCG@10 of a query")
	return p
}

// shares draws which share of searches ended within a time, in milliseconds.
func shares(title string, took []float64, q eval.Quantiles) plot {
	p, x, y := newPlot(title)
	sorted := slices.Sorted(slices.Values(took))
	if len(sorted) == 0 {
		return p
	}
	x.high = ceiling(sorted[len(sorted)-1])
	var path strings.Builder
	fmt.Fprintf(&path, "M%.1f %.1f", x.from, y.from)
	for i, ms := range sorted {
		fmt.Fprintf(&path, "H%.1fV%.1f", x.at(ms), y.at(float64(i+1)/float64(len(sorted))))
	}
	fmt.Fprintf(&path, "H%.1f", x.to)
	p.Path = path.String()
	for _, share := range []float64{0, .5, 1} {
		p.line(left, y.at(share), width-right, y.at(share), "grid")
		p.label(left-6, y.at(share)+4, "end", "%.0f %%", share*100)
	}
	for i := range 5 {
		ms := x.high * float64(i) / 4
		p.label(x.at(ms), y.from+16, "middle", "%.4g", ms)
	}
	for i, mark := range []struct {
		name string
		ms   float64
	}{{"p50", q.P50}, {"p95", q.P95}, {"p99", q.P99}} {
		at, class, side := x.at(mark.ms), "start strong", 4.0
		if at > width*.7 {
			class, side = "end strong", -4
		}
		p.line(at, y.from, at, top, "mark")
		p.label(at+side, y.at(.36-.13*float64(i)), class, "%s %.1f ms", mark.name, mark.ms)
	}
	p.label(x.at(x.high/2), height-4, "middle", "milliseconds")
	return p
}

// ceiling returns a round number, at least v and above 0.
func ceiling(v float64) float64 {
	if !(v > 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range []float64{1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8} {
		if v <= step*power {
			return step * power
		}
	}
	return 10 * power
}
