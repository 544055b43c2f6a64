package lexical

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scanned returns the tokens of a text as words, with a mark for the other kinds:
// =whole, ~pair of characters, .character.
func scanned(text string) string {
	var out []string
	scan(text, func(t token) {
		out = append(out, map[kind]string{kindWhole: "=", kindGram: "~", kindChar: "."}[t.kind]+t.text)
	})
	return strings.Join(out, " ")
}

func TestScan(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"words", "The quick, brown fox!", "the quick brown fox"},
		{"camel case", "getUserById", "=getuserbyid get user by id"},
		{"capitals before a word", "parseHTTPHeader", "=parsehttpheader parse http header"},
		{"capitals", "HTTP USA", "http usa"},
		{"snake case", "get_user_by_id", "=getuserbyid get user by id"},
		{"dunder", "__init__", "init"},
		{"kebab case", "two-factor", "=twofactor two factor"},
		{"error code", "ERR-4031", "=err4031 err 4031"},
		{"version", "v2.3.1", "=v2.3.1 =v2 v 2 3 1"},
		{"address", "10.0.0.1", "=10.0.0.1 10 0 0 1"},
		{"date", "2026-03-14", "=2026-03-14 2026 03 14"},
		{"file name", "pricing.xlsx", "=pricing.xlsx pricing xlsx"},
		{"method", "client.getUser(x)", "=client.getuser client =getuser get user x"},
		{"e-mail address", "ann@acme.com", "=ann@acme.com ann acme com"},
		{"thousands", "12,500 or 1,2", "=12500 12 500 or 1 2"},
		{"full stop", "The end. Next.", "the end next"},
		{"possessive", "Acme's company’s don't", "acme company don t"},
		{"plus and sharp", "C++ and C# #x a+b", "=c++ c++ and =c# c# x a b"},
		{"digest", "d41d8cd98f00b204e9800998ecf8427e", "=d41d8cd98f00b204e9800998ecf8427e d41d8cd98f00b204e9800998ecf8427e"},
		{"compatibility forms", "ＡＢＣ ﬁle x²", "abc file =x2 x 2"},
		{"accents stay for the stemmer", "Größe", "größe"},
		{"marks continue words", "हिन्दी", "हिन्दी"},
		{"Japanese", "日本語", ".日 .本 ~日本 .語 ~本語"},
		{"one character", "水 ok", "~水 ok"},
		{"mixed scripts", "JR東京", "jr .東 .京 ~東京"},
		{"nothing", " ... --- \n", ""},
		{"broken bytes", "a\xffb", "a b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, scanned(tt.text)); diff != "" {
				t.Errorf("scan(%q) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"naïve", "naive"}, {"straße", "strasse"}, {"łódź", "lodz"}, {"œuvre", "oeuvre"},
		{"が", "が"}, {"한국", "한국"}, {"हिन्दी", "हिन्दी"}, {"مُحَمَّد", "محمد"}, {"ёлка", "елка"},
	} {
		if got := fold(tt.word); got != tt.want {
			t.Errorf("fold(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}
