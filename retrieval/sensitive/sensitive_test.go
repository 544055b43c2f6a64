package sensitive

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// made joins what must not stand in a file as one word, because programs that look
// for leaked secrets read this file, too.
func made(parts ...string) string { return strings.Join(parts, "") }

const random = "q7XbN2vLr9TzKd4WmYc8HsJf3GpAe6Uu5RkD"

// signed is a JSON Web Token of {"alg":"HS256","typ":"JWT"}.
var signed = made("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", ".eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U")

func TestCount(t *testing.T) {
	for text, want := range map[string]Kind{
		made("-----BEGIN RSA ", "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n", random, random, "\n-----END"): PrivateKey,
		made("-----BEGIN OPENSSH ", "PRIVATE KEY----- ", random, random):                                      PrivateKey,
		made("-----BEGIN PGP ", "PRIVATE KEY BLOCK-----\nVersion: 2\n\n", random, random):                     PrivateKey,
		made("aws_access_key_id = ", "AKIA", "Q7XBN2VLR4TZKD5W"):                                              AWSKey,
		made("https://x.example/?k=", "ASIA", "Q7XBN2VLR4TZKD5W&x=1"):                                         AWSKey,
		made("ghp", "_", random, "."):                                                                         GitHubToken,
		made("GITHUB=", "github", "_pat_", random[:22], "_", random, random[:23]):                             GitHubToken,
		made("`", "xoxb", "-2048592034-1029384756-", random[:24], "`"):                                        SlackToken,
		made("sk", "_live_", random[:24]):                                                                     StripeKey,
		made("whsec", "_", random[:32]):                                                                       StripeKey,
		made("key=", "AIza", random[:35]):                                                                     GoogleKey,
		made("GOCSPX", "-", random[:28]):                                                                      GoogleKey,
		"Authorization: Bearer " + signed:                                                                     JWT,
		"password = Blau-Wal7":                                                                                Password,
		"The db_password: \"x9!kmPq2\".":                                                                      Password,
		"secret: 'Zt8kLq02\nmore":                                                                             Password,
		"**Kennwort:** Regen8Schirm":                                                                          Password,
		`"client_secret": "` + random[:20] + `"`:                                                              Password,
		"postgres://app:Zt8kLq02@db.example/x":                                                                Password,

		"Card 4539 5787 6362 1486, valid":                      PaymentCard,
		"3714-496353-98498":                                    PaymentCard,
		"2720998837779594":                                     PaymentCard,
		"IBAN DE89 3704 0044 0532 0130 00 please":              IBAN,
		"DE24 4539 5787 6362 1486 00":                          IBAN, // with the number of a card in it
		"GB29NWBK60161331926819":                               IBAN,
		"to NO93 8601 1117 947.":                               IBAN,
		"DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000": IBAN,

		"Steuer-ID 86 095 742 719":                  IdentityDE,
		"DNI 12345678Z":                             IdentityES,
		"NIE: X-1234567-L":                          IdentityES,
		"2 55 08 14 168 025 38":                     IdentityFR,
		"National Insurance: AB 12 34 56 C":         IdentityGB,
		"codice fiscale RSSMRA85T10A562S":           IdentityIT,
		"BSN 111222333":                             IdentityNL,
		"PESEL: 44051401359":                        IdentityPL,
		"His social security number is 123-45-6789": IdentityUS,

		"Her salary is $85,000 a year.":             Salary,
		"Das Jahresgehalt beträgt 72.500 € brutto.": Salary,
		"Salaire annuel : 54 000 EUR":               Salary,
		"Sueldo: 32.000 euros":                      Salary,
		"base pay 120k USD":                         Salary,
	} {
		if d := cmp.Diff(map[Kind]int{want: 1}, Count(text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

// What looks like it and is not.
func TestCountsNothing(t *testing.T) {
	for _, text := range []string{
		"", "Meals are paid up to 40 EUR a day.",
		"-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----", "-----BEGIN PUBLIC KEY-----\n" + random + random,
		"AKIAIOSFODNN7EXAMPLE", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "sk_test_" + random[:24], "AKIA is the prefix of keys",
		made("eyJhbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIxIn0", ".short"), "eyJub3BlIjoxfQ.eyJzdWIiOiIxIn0." + random,
		"password = ${DB_PASSWORD}", "password: required", "password: os.Getenv(\"X1\")", "api_key: YOUR_API_KEY_1", "Password: see below",
		"secret: https://vault.example/v1", "https://user@example.com:8080/a1", "password: aaaa1111",
		"4539 5787 6362 1487", "4242 4242 4242 4242", "1234567812345670", "45395787636214860", "0.4539578763621486", "id_4539578763621486",
		"DE88 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130", "XX89370400440532013000", "aDE89370400440532013000",
		"86095742718", "11111111111", "02476291358", "12345678A", "X1234567A", "2 55 13 14 168 025 38",
		"111222333", "BSN 111222334", "44051401359", "123-45-6789", "SSN 666-45-6789", "AB123456C", "National Insurance: DA 12 34 56 C",
		"RSSMRA85T10A562T", "Salary reviews take place in March.", "Der Wassergehalt ist 12 %.", "The balloon costs $85,000.",
		"Salary\nThe chair costs $85,000.", "The chair costs $85,000.\nSalary", "12345678903", "11223456785",
	} {
		if got := Count(text); len(got) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// The same value counts once, however often and in whatever groups it stands.
func TestCountsDifferentValues(t *testing.T) {
	got := Count("DE89370400440532013000, DE89 3704 0044 0532 0130 00, GB29NWBK60161331926819\nPasswort: Regen8Schirm\nPassword=Regen8Schirm")
	if d := cmp.Diff(map[Kind]int{IBAN: 2, Password: 1}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func FuzzCount(f *testing.F) {
	for _, seed := range []string{
		"", "DE89 3704 0044 0532 0130 00", "X-1234567-L", "2 55 08 14 168 025 38", "-----BEGIN RSA PRIVATE KEY-----" + random, signed,
		"password=", "a://b:c@", "NI number\xff", "İ salary €", "12-34 5678 9012", "ES", "ES91", "://", "=",
	} {
		f.Add(seed)
	}
	known := Kinds()
	f.Fuzz(func(t *testing.T, text string) {
		counts := Count(text)
		for kind, n := range counts {
			if n < 1 || !slices.Contains(known, kind) {
				t.Fatalf("%d of the kind %q", n, kind)
			}
		}
		// Nothing is found less when words stand around it on lines of their own.
		around := Count("words\n\n" + text + "\n\nwords")
		for kind, n := range counts {
			if around[kind] < n {
				t.Fatalf("%d of %s; %d among other lines", n, kind, around[kind])
			}
		}
		if again := Count(text); !maps.Equal(counts, again) {
			t.Fatalf("%v, then %v", counts, again)
		}
	})
}
