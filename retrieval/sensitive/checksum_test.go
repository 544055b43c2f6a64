package sensitive

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// numberOf draws a number of n digits that begins with one of the prefixes.
func numberOf(n int, prefixes ...string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom(prefixes).Draw(t, "prefix")
		for len(s) < n {
			s += string(byte('0' + rapid.IntRange(0, 9).Draw(t, "digit")))
		}
		return s
	})
}

// completed draws a number and appends what makes it valid, which the tests find by
// trying: they know the rule only by whether it holds.
func completed(least *rapid.Generator[string], ends []string, valid func(string) bool) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := least.Draw(t, "number")
		for _, end := range ends {
			if valid(s + end) {
				return s + end
			}
		}
		t.Skip("no end makes it valid")
		return ""
	})
}

func twoDigits() (all []string) {
	for i := range 100 {
		all = append(all, fmt.Sprintf("%02d", i))
	}
	return all
}

// TestAChangedDigitBreaksTheChecksum changes each digit of valid numbers to each
// other one.
func TestAChangedDigitBreaksTheChecksum(t *testing.T) {
	digits := strings.Split("0123456789", "")
	letters := strings.Split("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "")
	distinct := rapid.Custom(func(t *rapid.T) string { // ten digits, one of them twice
		d := rapid.Permutation(digits).Draw(t, "digits")
		d[9] = d[0]
		d = append(d[1:2:2], append(d[:1:1], d[2:]...)...)
		return strings.Join(d, "")
	})
	iban := rapid.Custom(func(t *rapid.T) string {
		country := rapid.SampledFrom(slices.Sorted(maps.Keys(ibanLengths))).Draw(t, "country")
		bban := numberOf(ibanLengths[country]-4, "").Draw(t, "account")
		check := 98 - mod(fmt.Sprintf("%s%d%d00", bban, country[0]-'A'+10, country[1]-'A'+10), 97)
		return fmt.Sprintf("%s%02d%s", country, check, bban)
	})
	for name, c := range map[string]struct {
		valid  *rapid.Generator[string]
		checks func(string) bool
	}{
		"Luhn":           {completed(numberOf(15, "4", "51", "2720"), digits, luhn), luhn},
		"card":           {completed(numberOf(15, "4", "55", "2221"), digits, card), card},
		"IBAN":           {iban, func(s string) bool { return ibanAt(s, 0) == s }},
		"German tax id":  {completed(distinct, digits, taxDE), taxDE},
		"DNI":            {completed(numberOf(8, ""), letters, dni), dni},
		"NIE":            {completed(numberOf(8, "X", "Y", "Z"), letters, dni), dni},
		"NIR":            {completed(numberOf(13, "18505", "29912"), twoDigits(), nir), nir},
		"BSN":            {completed(numberOf(8, ""), digits, bsn), bsn},
		"PESEL":          {completed(numberOf(10, "440514", "022930", "991231"), digits, pesel), pesel},
		"codice fiscale": {completed(rapid.Map(numberOf(3, ""), func(s string) string { return "RSSMRA85T10A" + s }), letters, codiceFiscale), codiceFiscale},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := c.valid.Draw(t, "valid")
				if !c.checks(s) {
					t.Fatalf("%s is not valid", s)
				}
				for i := range len(s) {
					if !digit(s[i]) {
						continue
					}
					for other := byte('0'); other <= '9'; other++ {
						if changed := s[:i] + string(other) + s[i+1:]; other != s[i] && c.checks(changed) {
							t.Fatalf("%s is as valid as %s", changed, s)
						}
					}
				}
			})
		})
	}
}

// TestExamplesOfAuthorities has numbers that those who give them out, or
// descriptions of the method, print as examples.
func TestExamplesOfAuthorities(t *testing.T) {
	for _, s := range []string{
		"AT611904300234573201", "BE68539007547034", "CH9300762011623852957", "DE89370400440532013000", "ES9121000418450200051332",
		"FR1420041010050500013M02606", "GB29NWBK60161331926819", "IT60X0542811101000000123456", "MT84MALT011000012345MTLCAST001S",
		"NL91ABNA0417164300", "NO9386011117947", "PL61109010140000071219812874", "SE4550000000058398257466",
	} {
		if ibanAt(s, 0) != s {
			t.Errorf("%s is refused", s)
		}
	}
	for _, c := range []struct {
		valid  func(string) bool
		number string
	}{
		{taxDE, "86095742719"}, {taxDE, "47036892816"}, {taxDE, "65929970489"}, {dni, "12345678Z"}, {dni, "X1234567L"}, {dni, "Y0000000Z"},
		{nir, "255081416802538"}, {bsn, "111222333"}, {bsn, "123456782"}, {pesel, "44051401359"}, {codiceFiscale, "RSSMRA85T10A562S"},
		{codiceFiscale, "MRTMTT91D08F205J"}, {luhn, "79927398713"},
	} {
		if !c.valid(c.number) {
			t.Errorf("%s is refused", c.number)
		}
	}
}
