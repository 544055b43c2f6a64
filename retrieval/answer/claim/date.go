package claim

import (
	"regexp"
	"strconv"
	"strings"
)

// Date is a date or a time of day, as far as it was said; parts that were not
// are zero.
type Date struct {
	Year    int
	Quarter int  // 1..4
	Month   int  // 1..12
	Day     int  // 1..31
	Weekday int  // Monday 1 … Sunday 7
	Clock   int  // minutes after midnight plus one
	Swapped bool // Month and Day may be the other way round: "03/04/2026"
	Clause  int  // index of Facts.Clauses
	Start   int  // bytes of the text
	End     int
	token   int // index of its first token
}

// Within reports whether everything that d says is said by o or, in the parts
// that o leaves open, by one of the others.
func (d Date) Within(o Date, others []Date) bool {
	if d.match(o, others) {
		return true
	}
	if d.Swapped && d.Month <= 12 && d.Day <= 12 {
		d.Month, d.Day, d.Swapped = d.Day, d.Month, false
		return d.match(o, others)
	}
	if o.Swapped {
		o.Month, o.Day, o.Swapped = o.Day, o.Month, false
		return d.match(o, others)
	}
	return false
}

func (d Date) match(o Date, others []Date) bool {
	shared := 0
	parts, theirs := d.parts(), o.parts()
	for i, v := range parts {
		switch {
		case v == 0:
		case theirs[i] == v:
			shared++
		case theirs[i] != 0:
			return false
		default: // left open by o: another date may say it
			found := false
			for _, other := range others {
				found = found || other.parts()[i] == v
			}
			if !found {
				return false
			}
		}
	}
	return shared > 0
}

func (d Date) parts() [6]int {
	return [6]int{d.Year, d.Quarter, d.Month, d.Day, d.Weekday, d.Clock}
}

func (d Date) empty() bool { return d.parts() == [6]int{} }

var (
	isoDate   = regexp.MustCompile(`^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:[T_](\d{2}):(\d{2}).*)?$`)
	slashDate = regexp.MustCompile(`^(\d{1,2})([/.-])(\d{1,2})[/.-](\d{4}|\d{2})$`)
	dayMonth  = regexp.MustCompile(`^(\d{1,2})\.(\d{1,2})\.$`)
	yearFirst = regexp.MustCompile(`^(\d{4})/(\d{1,2})/(\d{1,2})$`)
	clockTime = regexp.MustCompile(`^(\d{1,2})(?:[:h](\d{2}))(?::\d{2})?(am|pm|a\.m|p\.m|h|z)?$`)
	hourTime  = regexp.MustCompile(`^(\d{1,2})(?:\.(\d{2}))?(am|pm|a\.m|p\.m)$`)
	quarterly = regexp.MustCompile(`^[qQ]([1-4])$`)
)

// dateFigure reads a date or a time that is a single word of digits.
func dateFigure(s, language string) (Date, bool) {
	if !strings.ContainsAny(s, "-/.:hTamp") {
		return Date{}, false // digits alone
	}
	num := func(s string) int { n, _ := strconv.Atoi(s); return n }
	if m := isoDate.FindStringSubmatch(s); m != nil && num(m[2]) <= 12 && num(m[2]) > 0 && num(m[1]) > 1000 {
		return Date{Year: num(m[1]), Month: num(m[2]), Day: num(m[3])}, true
	}
	if m := yearFirst.FindStringSubmatch(s); m != nil && num(m[2]) <= 12 {
		return Date{Year: num(m[1]), Month: num(m[2]), Day: num(m[3])}, true
	}
	if m := slashDate.FindStringSubmatch(s); m != nil {
		d := Date{Day: num(m[1]), Month: num(m[3]), Year: num(m[4])}
		if d.Year < 100 {
			d.Year += 2000
		}
		if d.Month > 12 { // 03/15/2026
			d.Day, d.Month = d.Month, d.Day
		}
		d.Swapped = m[2] == "/" && d.Day <= 12 && language != "de" && language != "fr" && language != "es"
		return d, d.Month >= 1 && d.Month <= 12 && d.Day >= 1 && d.Day <= 31
	}
	if m := dayMonth.FindStringSubmatch(s); m != nil && num(m[2]) <= 12 && num(m[2]) > 0 && num(m[1]) <= 31 {
		return Date{Day: num(m[1]), Month: num(m[2])}, true
	}
	lower := strings.ToLower(s)
	m := clockTime.FindStringSubmatch(lower)
	if m == nil {
		m = hourTime.FindStringSubmatch(lower)
	}
	if m != nil && num(m[1]) <= 24 && num(m[2]) < 60 {
		return Date{Clock: clock(num(m[1]), num(m[2]), m[3])}, true
	}
	return Date{}, false
}

// clock returns a time of day as Date.Clock has it.
func clock(hour, minute int, half string) int {
	if half != "" {
		switch half[0] {
		case 'p':
			if hour < 12 {
				hour += 12
			}
		case 'a':
			hour %= 12
		}
	}
	return (hour%24)*60 + minute + 1
}

// calendar maps the names of months (1..12) and days of the week (21..27) to numbers.
type calendar map[string]int

const weekdayBase = 20

func newCalendar(months, weekdays string) calendar {
	c := calendar{}
	add := func(words string, base int) {
		for i, w := range strings.Fields(words) {
			for alternative := range strings.SplitSeq(w, "/") {
				c[alternative] = base + i + 1
			}
		}
	}
	add(months, 0)
	add(weekdays, weekdayBase)
	return c
}

var calendars = map[string]calendar{
	"en": newCalendar("january/jan february/feb march/mar april/apr may june/jun july/jul august/aug september/sep/sept october/oct november/nov december/dec",
		"monday/mondays/mon tuesday/tuesdays/tue/tues wednesday/wednesdays/wed thursday/thursdays/thu/thur/thurs friday/fridays/fri saturday/saturdays/sat sunday/sundays/sun"),
	"de": newCalendar("januar/jänner/jan februar/feber/feb märz/mär april/apr mai juni/jun juli/jul august/aug september/sep/sept oktober/okt november/nov dezember/dez",
		"montag/montags/mo dienstag/dienstags/di mittwoch/mittwochs/mi donnerstag/donnerstags/do freitag/freitags/fr samstag/samstags/sonnabend/sa sonntag/sonntags/so"),
	"fr": newCalendar("janvier/janv février/févr mars avril/avr mai juin juillet/juil août septembre octobre/oct novembre/nov décembre/déc",
		"lundi/lundis mardi/mardis mercredi/mercredis jeudi/jeudis vendredi/vendredis samedi/samedis dimanche/dimanches"),
	"es": newCalendar("enero/ene febrero/feb marzo abril/abr mayo junio/jun julio/jul agosto/ago septiembre/setiembre/sept octubre/oct noviembre/nov diciembre/dic",
		"lunes martes miércoles jueves viernes sábado/sábados domingo/domingos"),
}
