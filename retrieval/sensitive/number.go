package sensitive

import "strings"

// numbered are numbers made of digits alone, by the lengths of the groups in which
// they are written.
var numbered = []struct {
	kind    Kind
	layouts [][]int
	valid   func(digits string) bool
	near    []string // words of which one must stand near; none: the number is enough
}{
	{PaymentCard, [][]int{{14}, {15}, {16}, {17}, {18}, {19}, {4, 4, 4, 4}, {4, 6, 5}, {4, 6, 4}, {4, 4, 4, 4, 3}}, card, nil},
	{IdentityDE, [][]int{{11}, {2, 3, 3, 3}}, taxDE, nil},
	{IdentityFR, [][]int{{15}, {13, 2}, {1, 2, 2, 2, 3, 3, 2}}, nir, nil},
	{IdentityNL, [][]int{{9}, {4, 2, 3}, {3, 3, 3}}, bsn, []string{"bsn", "burgerservicenummer", "sofinummer"}},
	{IdentityPL, [][]int{{11}}, pesel, []string{"pesel"}},
	{IdentityUS, [][]int{{3, 2, 4}}, ssn, []string{"ssn", "social security"}},
}

// span is a group of digits.
type span struct{ start, end int }

// numbers finds numbers of digits, whose groups are separated by one space or hyphen.
// Groups behind a letter are the rest of something else, such as an IBAN.
func numbers(p page, found func(Kind, string)) {
	var groups []span // next to each other
	flush := func() {
		if len(groups) > 0 && touches(p.text, groups[0].start, len(p.text)) {
			groups = groups[:0]
		}
		for i := range groups {
			number(p, groups[i:], found)
		}
		groups = groups[:0]
	}
	runs(p.text, digit, func(start int, run string) {
		if n := len(groups); n > 0 && (start != groups[n-1].end+1 || !strings.ContainsRune(" -", rune(p.text[start-1]))) {
			flush()
		}
		groups = append(groups, span{start, start + len(run)})
	})
	flush()
}

// number finds the numbers that begin with the first of the groups.
func number(p page, groups []span, found func(Kind, string)) {
	for _, n := range numbered {
		for _, layout := range n.layouts {
			if !laidOut(groups, layout) {
				continue
			}
			start, end := groups[0].start, groups[len(layout)-1].end
			if touches(p.text, start, end) || fraction(p.text, start, end) || len(n.near) > 0 && !p.near(start, end, n.near...) {
				continue
			}
			var digits strings.Builder
			for _, g := range groups[:len(layout)] {
				digits.WriteString(p.text[g.start:g.end])
			}
			if n.valid(digits.String()) {
				found(n.kind, digits.String())
			}
		}
	}
}

func laidOut(groups []span, layout []int) bool {
	if len(groups) < len(layout) {
		return false
	}
	for i, n := range layout {
		if groups[i].end-groups[i].start != n {
			return false
		}
	}
	return true
}

// fraction reports whether [start, end) goes on as a number with a point or comma.
func fraction(text string, start, end int) bool {
	point := func(i int) bool { return i >= 0 && i < len(text) && (text[i] == '.' || text[i] == ',') }
	return point(start-1) && start > 1 && digit(text[start-2]) || point(end) && end+1 < len(text) && digit(text[end+1])
}

// testCards are numbers that payment services publish for tests.
var testCards = map[string]bool{
	"4242424242424242": true, "4000056655665556": true, "4012888888881881": true, "4111111111111111": true, "5555555555554444": true,
	"5105105105105100": true, "2223003122003222": true, "5200828282828210": true, "378282246310005": true, "371449635398431": true,
	"378734493671000": true, "6011111111111117": true, "6011000990139424": true, "3530111333300000": true, "3566002020360505": true,
	"30569309025904": true, "38520000023237": true, "3056930009020004": true, "36227206271667": true, "6200000000000005": true,
}

// issuers are the beginnings of card numbers with the lengths that they have (ISO/IEC
// 7812): Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay.
var issuers = []struct {
	low, high, digits string // of the beginning, both inclusive; of the whole number
}{
	{"4", "4", "16"}, {"51", "55", "16"}, {"2221", "2720", "16"}, {"34", "34", "15"}, {"37", "37", "15"},
	{"6011", "6011", "16"}, {"644", "659", "16"}, {"3528", "3589", "16"}, {"300", "305", "14"}, {"36", "36", "14"}, {"38", "39", "14"},
	{"62", "62", "16 17 18 19"},
}

// card reports whether a number is one of a payment card: an issuer's beginning and
// length, and the check digit of Luhn.
func card(digits string) bool {
	if testCards[digits] || !luhn(digits) {
		return false
	}
	length := string([]byte{byte('0' + len(digits)/10), byte('0' + len(digits)%10)})
	for _, i := range issuers {
		if n := len(i.low); n <= len(digits) && i.low <= digits[:n] && digits[:n] <= i.high && strings.Contains(i.digits, length) {
			return true
		}
	}
	return false
}

// luhn checks the check digit of ISO/IEC 7812.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
