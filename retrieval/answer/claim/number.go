package claim

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Number is a quantity.
type Number struct {
	Value    float64 // in the base unit, where Unit is a measure
	Other    float64 // a second reading of the figures ("1.500" as 1500 and as 1.5), NaN for none
	Unit     string  // base unit of its dimension ("minute", "month", "EUR", "%", …); empty for a plain number
	Plain    float64 // the number as written, without its unit
	Implied  bool    // said by a word that need not be repeated: "a week", "one", "daily", "both"
	Ordinal  bool
	Near     []string // stems of the content words beside it
	Clause   int      // index of Facts.Clauses
	Start    int      // bytes of the text
	End      int
	position int // index of its first token
}

// Equal reports whether two numbers say the same. A plain number equals the
// same number with any unit.
func (n Number) Equal(o Number) bool {
	if n.Unit != "" && o.Unit != "" {
		return n.Unit == o.Unit && (close(n.Value, o.Value) || close(n.Other, o.Value) || close(n.Value, o.Other))
	}
	return close(n.Plain, o.Plain) || close(n.Other, o.Plain) || close(n.Plain, o.Other) ||
		n.Unit == "" && close(n.Plain, o.Value) && o.Unit != baseTime && o.Unit != baseMonth
}

// SameMeasure reports whether two numbers measure the same dimension.
func (n Number) SameMeasure(o Number) bool { return n.Unit == o.Unit }

func close(a, b float64) bool {
	return math.Abs(a-b) <= 1e-6*math.Max(1e-6, math.Max(math.Abs(a), math.Abs(b)))
}

var figurePattern = regexp.MustCompile(`^([+\-−±~≈<>≤≥]*)([$€£¥]?)([+\-−]?)(\d[\d.,'’\x{a0}\x{202f}]*\d|\d|)([½¼¾]?)(.*)$`)

var fractions = map[string]float64{"½": .5, "¼": .25, "¾": .75}

// figure is a number in digits with what is glued to it.
type figure struct {
	value, other float64
	currency     string // symbol before it
	suffix       string // letters or symbols after it, in lower case
	ok           bool
}

// readFigure parses "1,500", "$1.5m", "30kg", "2nd".
func readFigure(s, language string) figure {
	m := figurePattern.FindStringSubmatch(s)
	if m == nil || m[4] == "" && m[5] == "" {
		return figure{}
	}
	f := figure{currency: m[2], suffix: strings.ToLower(m[6]), other: math.NaN(), ok: true}
	if m[4] != "" {
		if f.value, f.other, f.ok = parseDigits(m[4], language); !f.ok {
			return figure{}
		}
	}
	f.value += fractions[m[5]]
	if m[3] != "" || strings.ContainsAny(m[1], "-−") {
		f.value = -f.value
	}
	return f
}

// parseDigits reads digits with separators. other is a second possible reading.
func parseDigits(s, language string) (value, other float64, ok bool) {
	other = math.NaN()
	s = strings.NewReplacer("'", "", "’", "", "\u00a0", "", "\u202f", "").Replace(s)
	dot, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	decimal := byte(0)
	switch {
	case dot >= 0 && comma >= 0:
		decimal = s[max(dot, comma)]
	case dot >= 0 || comma >= 0:
		sep := s[max(dot, comma)]
		grouped := groups(s, sep)
		continental := language == "de" || language == "fr" || language == "es"
		switch {
		case !grouped && strings.Count(s, string(sep)) > 1:
			return 0, 0, false // a version, an address
		case !grouped:
			decimal = sep
		case strings.Count(s, string(sep)) == 1 && (sep == '.') != continental:
			decimal = sep // "1.500" in English, "1,500" in German
			other, _ = strconv.ParseFloat(strings.ReplaceAll(s, string(sep), ""), 64)
		}
	}
	for _, sep := range []byte{'.', ','} {
		if sep != decimal {
			s = strings.ReplaceAll(s, string(sep), "")
		}
	}
	value, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", "."), 64)
	return value, other, err == nil
}

// groups reports whether sep cuts s into groups of three digits.
func groups(s string, sep byte) bool {
	parts := strings.Split(s, string(sep))
	if len(parts[0]) > 3 || parts[0] == "" || parts[0] == "0" {
		return false
	}
	for _, p := range parts[1:] {
		if len(p) != 3 {
			return false
		}
	}
	return true
}
