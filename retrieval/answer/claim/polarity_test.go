package claim

import (
	"fmt"
	"strings"
	"testing"
)

// denialsOf returns, clause by clause, whether each affirms (+) or denies (-).
func denialsOf(text, language string) string {
	var b strings.Builder
	for _, c := range Read(text, language).Clauses {
		if c.Denies() {
			b.WriteByte('-')
		} else {
			b.WriteByte('+')
		}
	}
	return b.String()
}

func TestDenials(t *testing.T) {
	for _, tt := range []struct{ language, text, want string }{
		{"en", "Staff may use private laptops.", "+"},
		{"en", "Staff must not use private laptops.", "-"},
		{"en", "Staff don't use private laptops.", "-"},
		{"en", "Private laptops are forbidden.", "-"},
		{"en", "Private laptops are not forbidden.", "+"},
		{"en", "Reply no later than Monday.", "+"},
		{"en", "Not only staff may enter.", "+"},
		{"en", "Room No. 5 is free.", "++"}, {"en", "There is no room.", "-"},
		{"en", "If the door is closed, do not enter the room.", "+-"},
		{"de", "Private Geräte sind nicht erlaubt.", "-"},
		{"de", "Es gibt keine Ausnahmen.", "-"},
		{"de", "Nicht nur Angestellte dürfen hinein.", "+"},
		{"fr", "Il ne faut pas utiliser ce réseau.", "-"},
		{"fr", "Ce réseau n'est plus utilisé.", "-"},
		{"fr", "Ce réseau est plus rapide.", "+"},
		{"fr", "Sans aucun accord écrit.", "-"},
		{"es", "No se permite nunca esta red.", "-"},
		{"es", "Esta red se permite.", "+"},
	} {
		if got := denialsOf(tt.text, tt.language); got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.language, tt.text, got, tt.want)
		}
	}
}

func namesOf(text, language string) string {
	var out []string
	for _, n := range Read(text, language).Names {
		s := n.Text
		if n.Initial && !n.Strong {
			s += "?"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestNames(t *testing.T) {
	for _, tt := range []struct{ language, text, want string }{
		{"en", "Ask Dana Whitfield in Leeds about TERN-418.", "Ask Dana Whitfield Leeds TERN-418"},
		{"en", "Call loadConfig() in `main.go` with --force.", "Call? loadConfig() main.go --force"},
		{"en", "The HR team approves it on Monday in March.", "HR"},
		{"de", "Die Rechnung geht an Frau Petersen aus der Abteilung.", "Frau Petersen"},
		{"de", "Jens Petersen prüft die Rechnung von Ostwerk.", "Jens Petersen Ostwerk"},
		{"fr", "Le dossier est signé par Camille Roussel.", "Camille Roussel"},
	} {
		if got := namesOf(tt.text, tt.language); got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.language, tt.text, got, tt.want)
		}
	}
}

func TestLanguage(t *testing.T) { //nolint:misspell // other languages
	for text, want := range map[string]string{
		"How much may a hotel cost?":              "en",
		"Wie viel darf ein Hotel kosten?":         "de",
		"Combien peut coûter une nuit à l'hôtel?": "fr",
		"¿Cuánto puede costar una noche de hotel": "es",
		"12345": "",
	} {
		if got := Language(text); got != want {
			t.Errorf("Language(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"On 3 March 2026, 1,500 EUR.", "am 15.03. um 9 Uhr", "twenty-five and a half", "`code` \"x\"", "1 500 €", "½ 3–5 kg", "l'an 2026"} {
		f.Add(s, "fr")
	}
	f.Fuzz(func(t *testing.T, text, language string) {
		facts := Read(text, language)
		in := func(what string, start, end int) {
			if start < 0 || start > end || end > len(text) {
				t.Fatalf("%s at %d..%d of %d bytes", what, start, end, len(text))
			}
		}
		for _, w := range facts.Words {
			in("word", w.Start, w.End)
			if w.Clause >= len(facts.Clauses) {
				t.Fatalf("word %q is in clause %d of %d", w.Lower, w.Clause, len(facts.Clauses))
			}
		}
		for _, n := range facts.Numbers {
			in(fmt.Sprint("number ", n.Value), n.Start, n.End)
		}
		for _, d := range facts.Dates {
			in("date", d.Start, d.End)
		}
	})
}
