package sensitive

// ibanLengths are the lengths of the IBANs of countries (ISO 13616, the registry of
// SWIFT).
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21, "CR": 22,
	"CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22,
	"GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30,
	"KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27,
	"MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31,
	"SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}

// ibanAt returns the IBAN that begins at a place of a text, without the spaces
// between its groups; empty when there is none.
func ibanAt(text string, at int) string {
	if at+4 > len(text) || !upper(text[at]) || !upper(text[at+1]) || !digit(text[at+2]) || !digit(text[at+3]) || at > 0 && wordly(text[at-1]) {
		return ""
	}
	length := ibanLengths[text[at:at+2]]
	iban := make([]byte, 0, length)
	i := at
	for ; i < len(text) && len(iban) < length; i++ {
		switch c := text[i]; {
		case digit(c) || upper(c):
			iban = append(iban, c)
		case c != ' ' || len(iban)%4 != 0 || text[i-1] == ' ':
			return ""
		}
	}
	if length == 0 || len(iban) < length || i < len(text) && wordly(text[i]) || !mod97(string(iban)) {
		return ""
	}
	return string(iban)
}

// mod97 checks the check digits of an IBAN (ISO 7064, MOD 97-10).
func mod97(iban string) bool {
	rest := 0
	for _, c := range []byte(iban[4:] + iban[:4]) {
		if digit(c) {
			rest = (10*rest + int(c-'0')) % 97
		} else {
			rest = (100*rest + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}
