package sensitive

import (
	"regexp"
	"strings"
)

// codes finds what is made of letters and digits: IBANs, DNI, NIE, codici fiscali.
func codes(p page, found func(Kind, string)) {
	runs(p.text, func(c byte) bool { return alphanumeric(c) || c == '-' }, func(start int, run string) {
		if iban := ibanAt(p.text, start); iban != "" {
			found(IBAN, iban)
		}
		if touches(p.text, start, start+len(run)) {
			return
		}
		switch code := strings.ReplaceAll(run, "-", ""); {
		case dni(code):
			found(IdentityES, code)
		case codiceFiscale(code):
			found(IdentityIT, code)
		}
	})
}

// taxDE checks a German Steuer-Identifikationsnummer: of the first ten digits one
// occurs twice or three times and the others at most once; the last is a check digit
// (ISO 7064, MOD 11,10).
func taxDE(digits string) bool {
	if digits[0] == '0' {
		return false
	}
	var counts [10]int
	product := 10
	for _, c := range []byte(digits[:10]) {
		d := int(c - '0')
		counts[d]++
		sum := (d + product) % 10
		if sum == 0 {
			sum = 10
		}
		product = 2 * sum % 11
	}
	repeated := 0
	for _, n := range counts {
		if n > 3 {
			return false
		}
		if n > 1 {
			repeated++
		}
	}
	return repeated == 1 && (11-product)%10 == int(digits[10]-'0')
}

// nir checks a French numéro d'inscription au répertoire: sex, a month, and the key
// of two digits. Numbers of Corsica, which have a letter, are not known.
func nir(digits string) bool {
	month := digits[3:5]
	if digits[0] != '1' && digits[0] != '2' || month < "01" || month > "12" {
		return false
	}
	return 97-mod(digits[:13], 97) == mod(digits[13:], 1000)
}

// mod returns the rest of a number of any length.
func mod(digits string, by int) int {
	rest := 0
	for _, c := range []byte(digits) {
		rest = (10*rest + int(c-'0')) % by
	}
	return rest
}

// bsn makes the eleven test of a Dutch burgerservicenummer.
func bsn(digits string) bool {
	sum := 0
	for i, weight := range []int{9, 8, 7, 6, 5, 4, 3, 2, -1} {
		sum += weight * int(digits[i]-'0')
	}
	return sum != 0 && sum%11 == 0
}

// pesel checks a Polish PESEL: a date of birth, whose century is in the month, and
// a check digit.
func pesel(digits string) bool {
	month, day := mod(digits[2:4], 20), mod(digits[4:6], 100)
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return false
	}
	sum := 0
	for i, weight := range []int{1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1} {
		sum += weight * int(digits[i]-'0')
	}
	return sum%10 == 0
}

// ssn reports whether a US Social Security number could have been given: it has no
// check digit.
func ssn(digits string) bool {
	area := digits[:3]
	return area != "000" && area != "666" && area < "900" && digits[3:5] != "00" && digits[5:] != "0000"
}

// dni checks a Spanish DNI (eight digits and a letter) or NIE (X, Y or Z, seven
// digits and a letter).
func dni(code string) bool {
	const letters = "TRWAGMYFPDXBNJZSQVHLCKE"
	if len(code) != 9 {
		return false
	}
	number := code[:8]
	if i := strings.IndexByte("XYZ", number[0]); i >= 0 {
		number = string(byte('0'+i)) + number[1:]
	}
	return only(number, digit) && letters[mod(number, 23)] == code[8]
}

// codiceFiscale checks an Italian codice fiscale of a person, also one in which
// letters stand for digits because two people would have the same.
func codiceFiscale(code string) bool {
	const (
		form = "AAAAAA00A00A000A" // letters, and digits or what stands for them
		// What the characters 0 to 9 and A to Z count in odd places, as letters from A = 0.
		odd = "BAFHJNPRTVBAFHJNPRTVCESULDGIMOQKWZYX"
	)
	if len(code) != len(form) {
		return false
	}
	sum := 0
	for i := range len(form) - 1 {
		c := code[i]
		if form[i] == 'A' && !upper(c) || form[i] == '0' && !digit(c) && !strings.Contains("LMNPQRSTUV", string(c)) {
			return false
		}
		value := int(c - 'A')
		place := value + 10
		if digit(c) {
			value = int(c - '0')
			place = value
		}
		if i%2 == 0 { // the first place is an odd one
			value = int(odd[place] - 'A')
		}
		sum += value
	}
	return upper(code[15]) && int(code[15]-'A') == sum%26
}

// nino is the form of a National Insurance number: prefixes that are not given out
// are left out, as far as single letters tell.
var nino = regexp.MustCompile(`\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b`)

// insurances finds National Insurance numbers behind the words for them: they have
// no check digit.
func insurances(p page, found func(Kind, string)) {
	for _, words := range []string{"national insurance", "ni number", "nino"} {
		for at := 0; ; {
			i := strings.Index(p.lower[at:], words)
			if i < 0 {
				break
			}
			at += i + len(words)
			for _, n := range nino.FindAllString(p.text[at:min(at+nearBefore, len(p.text))], -1) {
				found(IdentityGB, strings.ReplaceAll(n, " ", ""))
			}
		}
	}
}
