package report

import (
	"fmt"
	"math"

	"github.com/cairnhq/cairn/retrieval/eval"
)

// side returns the class of a difference.
func side(difference float64) string {
	switch {
	case difference > 0:
		return "better"
	case difference < 0:
		return "worse"
	}
	return "same"
}

// intervals draws the 95 % intervals of the metrics' differences.
func intervals(metrics []eval.Difference) plot {
	const row = 44
	p := plot{Width: 2 * width, Height: row*len(metrics) + 40, Title: "Differences of the metrics with 95 % intervals"}
	reach := .001
	for _, m := range metrics {
		reach = max(reach, math.Abs(m.Low), math.Abs(m.High))
	}
	reach = ceiling(reach)
	x := scale{-reach, reach, 110, 2*width - 40}
	base := float64(row*len(metrics) + 6)
	for i := -4; i <= 4; i++ {
		v, class := reach*float64(i)/4, "grid"
		if i == 0 {
			class = "zero"
		}
		p.line(x.at(v), 4, x.at(v), base, class)
		p.label(x.at(v), base+18, "middle", "%+.3f", v)
	}
	for i, m := range metrics {
		y := float64(row*i) + row/2
		class := "same"
		if m.Significant {
			class = side(m.Mean)
		}
		p.label(0, y+4, "start strong", "%s", m.Metric)
		p.line(x.at(m.Low), y, x.at(m.High), y, "interval "+class)
		p.Points = append(p.Points, point{round(x.at(m.Mean)), y, 5.5, class, fmt.Sprintf("%s: %+.4f, from %+.4f to %+.4f, p %.4f", m.Metric, m.Mean, m.Low, m.High, m.P)})
	}
	return p
}

// differences draws a bar for every query, the greatest loss first.
func differences(changes []eval.Change) plot {
	p, x, y := newPlot("Difference of every query in nDCG@10, sorted")
	y.high = .1
	for _, c := range changes {
		y.high = max(y.high, math.Abs(c.Difference))
	}
	y.high = min(ceiling(y.high), 1)
	y.low = -y.high
	for _, part := range []float64{-1, -.5, .5, 1} {
		v := part * y.high
		p.line(left, y.at(v), width-right, y.at(v), "grid")
		p.label(left-6, y.at(v)+4, "end", "%+.2f", v)
	}
	x.high = float64(max(len(changes), 1))
	for i, c := range changes {
		from, to := x.at(float64(i)), x.at(float64(i+1))
		gap := min(1, (to-from)*.2)
		b := bar{X: round(from), W: max(round(to-from-gap), .5), Y: round(y.at(max(c.Difference, 0))), Class: side(c.Difference)}
		b.H = round(y.at(min(c.Difference, 0)) - b.Y)
		b.Text = fmt.Sprintf("%+.4f  %s", c.Difference, c.Text)
		p.Bars = append(p.Bars, b)
	}
	p.line(left, y.at(0), width-right, y.at(0), "zero")
	p.label(left-6, y.at(0)+4, "end", "0")
	p.label((left+width-right)/2, height-10, "middle", "queries, the greatest loss first")
	return p
}

// scatter draws every query by its nDCG@10 in either run.
func scatter(changes []eval.Change) plot {
	p, x, y := newPlot("nDCG@10 of every query in A and in B")
	for _, v := range []float64{0, .25, .5, .75, 1} {
		p.line(x.at(v), y.from, x.at(v), y.to, "grid")
		p.line(x.from, y.at(v), x.to, y.at(v), "grid")
		p.label(x.at(v), y.from+16, "middle", "%.2f", v)
		p.label(left-6, y.at(v)+4, "end", "%.2f", v)
	}
	p.line(x.at(0), y.at(0), x.at(1), y.at(1), "zero")
	for _, c := range changes {
		p.Points = append(p.Points, point{round(x.at(c.A)), round(y.at(c.B)), 4, side(c.Difference), fmt.Sprintf("A %.4f, B %.4f  %s", c.A, c.B, c.Text)})
	}
	p.label(x.at(.5), height-4, "middle strong", "A")
	p.label(0, y.at(.5)+4, "start strong", "B")
	return p
}
