// Package sensitive finds in a text what should not lie where everybody reads it:
// credentials, payment and identity numbers, and salaries. It is pure, and takes a
// time that grows with the text alone.
//
// Numbers count when their check digits are right and tokens when they have the
// form that their issuer documents, so that what is counted is rarely something
// else. What the detectors find is where to look, not a proof: a password in a
// sentence, a scan and a number with a typing error are not found.
package sensitive

import "strings"

// Version changes when the detectors would count something else: what was counted
// by another version is counted anew.
const Version = 1

// Kind is what was found.
type Kind string

// The kinds. Those of identity numbers end with the country.
const (
	PrivateKey  Kind = "private_key"
	AWSKey      Kind = "aws_key"
	GitHubToken Kind = "github_token"
	SlackToken  Kind = "slack_token"
	StripeKey   Kind = "stripe_key"
	GoogleKey   Kind = "google_key"
	JWT         Kind = "jwt"
	Password    Kind = "password" // a value that is assigned to a word such as password or api_key

	PaymentCard Kind = "payment_card"
	IBAN        Kind = "iban"

	IdentityDE Kind = "identity_de" // Steuer-Identifikationsnummer
	IdentityES Kind = "identity_es" // DNI and NIE
	IdentityFR Kind = "identity_fr" // NIR, the number of the sécurité sociale
	IdentityGB Kind = "identity_gb" // National Insurance number
	IdentityIT Kind = "identity_it" // codice fiscale
	IdentityNL Kind = "identity_nl" // burgerservicenummer
	IdentityPL Kind = "identity_pl" // PESEL
	IdentityUS Kind = "identity_us" // Social Security number

	Salary Kind = "salary" // an amount of money beside a word for pay
)

// Kinds returns all kinds, in the order in which they are told.
func Kinds() []Kind {
	return []Kind{
		PrivateKey, AWSKey, GitHubToken, SlackToken, StripeKey, GoogleKey, JWT, Password, PaymentCard, IBAN,
		IdentityDE, IdentityES, IdentityFR, IdentityGB, IdentityIT, IdentityNL, IdentityPL, IdentityUS, Salary,
	}
}

// Count returns how many different values of each kind the texts hold together; kinds
// of which there are none are left out. What stands in one text says nothing of what
// stands in another. The values themselves are not kept.
func Count(texts ...string) map[Kind]int {
	counts := make(map[Kind]int)
	type value struct {
		kind Kind
		text string
	}
	seen := make(map[value]struct{})
	count := func(k Kind, text string) {
		if _, again := seen[value{k, text}]; !again {
			seen[value{k, text}] = struct{}{}
			counts[k]++
		}
	}
	for _, text := range texts {
		t := read(text)
		for _, detect := range []func(page, func(Kind, string)){privateKeys, tokens, passwords, numbers, codes, insurances, salaries} {
			detect(t, count)
		}
	}
	return counts
}

// page is a text as the detectors read it.
type page struct {
	text  string // with plain spaces
	lower string // the same, as long, with the letters A to Z in lower case
}

// spaces replaces what is set between digits so that no line breaks there.
var spaces = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\u2007", " ", "\u2011", "-")

func read(text string) page {
	text = spaces.Replace(text)
	lower := []byte(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return page{text, string(lower)}
}

const (
	nearBefore = 80 // bytes in which a word makes sense of what comes after it
	nearAfter  = 40 // and of what came before
)

// near reports whether one of the words stands near [start, end), each as a word.
func (p page) near(start, end int, words ...string) bool {
	from, to := max(start-nearBefore, 0), min(end+nearAfter, len(p.lower))
	for _, w := range words {
		for at := from; ; {
			i := strings.Index(p.lower[at:to], w)
			if i < 0 {
				break
			}
			at += i + len(w)
			if !touches(p.lower, at-len(w), at) {
				return true
			}
		}
	}
	return false
}

// touches reports whether a letter or digit stands right beside [start, end).
func touches(text string, start, end int) bool {
	return start > 0 && wordly(text[start-1]) || end < len(text) && wordly(text[end])
}

// wordly reports whether a byte belongs to a word: bytes of characters beyond ASCII do.
func wordly(c byte) bool { return alphanumeric(c) || c == '_' || c >= 0x80 }

func digit(c byte) bool        { return '0' <= c && c <= '9' }
func upper(c byte) bool        { return 'A' <= c && c <= 'Z' }
func alphanumeric(c byte) bool { return digit(c) || upper(c) || 'a' <= c && c <= 'z' }

// only reports whether all bytes of s are as is says.
func only(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}

// runs calls found with every longest run of bytes that belong, in order.
func runs(text string, belongs func(byte) bool, found func(start int, run string)) {
	start := -1
	for i := range len(text) {
		switch b := belongs(text[i]); {
		case b && start < 0:
			start = i
		case !b && start >= 0:
			found(start, text[start:i])
			start = -1
		}
	}
	if start >= 0 {
		found(start, text[start:])
	}
}

// varied reports whether s has many different characters, as random ones have and
// placeholders such as xxxxxxxx have not.
func varied(s string) bool {
	var seen [256]bool
	n := 0
	for i := range len(s) {
		if !seen[s[i]] {
			seen[s[i]] = true
			n++
		}
	}
	return n >= 8
}
