package lexical

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The stored format depends on these hashes: a change makes every index unusable.
func TestHashIsStable(t *testing.T) {
	for text, want := range map[string]uint64{"": 0x77e80fb05d4c9493, "claim": 0x6f2d711e9e8e5fff, "größe": 0x175c4afab434f550} {
		if got := Hash(text); got != want {
			t.Errorf("Hash(%q) = %#x, want %#x", text, got, want)
		}
	}
}

func tf(terms []Term, text string) uint8 {
	for _, t := range terms {
		if t.Hash == Hash(text) {
			return t.TF
		}
	}
	return 0
}

func TestTermsWeighFields(t *testing.T) {
	terms, length := Terms(Fields{Title: "alpha", Heading: []string{"beta", "gamma"}, Body: "alpha beta delta delta", Language: "en"})
	got := map[string]uint8{}
	for _, w := range []string{"alpha", "beta", "gamma", "delta"} {
		got[w] = tf(terms, w)
	}
	want := map[string]uint8{"alpha": weightTitle + 1, "beta": weightHeading + 1, "gamma": weightHeading, "delta": 2}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("frequencies (-want +got):\n%s", diff)
	}
	if want := weightTitle + 2*weightHeading + 4; length != want {
		t.Errorf("length = %d, want %d", length, want)
	}
}

func TestTermsAreBounded(t *testing.T) {
	terms, length := Terms(Fields{Body: strings.Repeat("word ", 70_000)})
	if len(terms) != 1 || terms[0].TF != 255 || length != 65_535 {
		t.Errorf("got %v, length %d", terms, length)
	}
}

// One analyzer serves texts of several languages in turn.
func TestTermsDoNotDependOnEarlierTexts(t *testing.T) {
	for _, language := range []string{"de", "en", "de"} {
		terms, _ := Terms(Fields{Body: "Handlungen", Language: language})
		if got := tf(terms, "handlung") == 1; got != (language == "de") {
			t.Errorf("in %s the word has the German stem: %v", language, got)
		}
	}
}

func TestCodecRoundTrip(t *testing.T) {
	gen := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Term {
		return Term{Hash: rapid.Uint64Max(1<<63-1).Draw(t, "hash"), TF: uint8(rapid.IntRange(1, 255).Draw(t, "tf"))}
	}))
	rapid.Check(t, func(t *rapid.T) {
		terms := gen.Draw(t, "terms")
		slices.SortFunc(terms, func(a, b Term) int { return cmp.Compare(a.Hash, b.Hash) })
		terms = slices.CompactFunc(terms, func(a, b Term) bool { return a.Hash == b.Hash })
		got, err := DecodeTerms(EncodeTerms(terms))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, terms) {
			t.Fatalf("got %v, want %v", got, terms)
		}
	})
}

func TestDecodeRejects(t *testing.T) {
	good := EncodeTerms([]Term{{Hash: 1 << 40, TF: 3}})
	for name, data := range map[string][]byte{
		"cut in a varint":       good[:3],
		"frequency missing":     good[:len(good)-1],
		"frequency 1 in a byte": append(good[:len(good)-1:len(good)-1], 1),
		"the same hash again":   append(good[:len(good):len(good)], 1),
		"hash beyond 63 bits":   slices.Concat(EncodeTerms([]Term{{Hash: 1<<63 - 1, TF: 1}}), []byte{3}),
	} {
		if _, err := DecodeTerms(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error = %v, want ErrMalformed", name, err)
		}
	}
}

func FuzzDecodeTerms(f *testing.F) {
	terms, _ := Terms(Fields{Title: "Travel", Body: "How do I claim travel expenses?", Language: "en"})
	f.Add(EncodeTerms(terms))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		terms, err := DecodeTerms(data)
		if err != nil {
			return
		}
		again, err := DecodeTerms(EncodeTerms(terms))
		if err != nil || !slices.Equal(terms, again) {
			t.Errorf("%x decodes to %v, encoded and decoded again to %v, %v", data, terms, again, err)
		}
	})
}

// Whatever the text and the language: no panic, ascending hashes, a question of
// the same words finds it.
func FuzzTerms(f *testing.F) {
	f.Add("How do I claim travel expenses?", "en")
	f.Add("func parseHTTPHeader(r *http.Request) v2.3.1", "")
	f.Add("kitapçılardan İstanbul'da", "tr")
	f.Add("المستخدمون يكتبون", "ar")
	f.Add("பயனர்கள்", "ta")
	f.Add("이것은 日本語 ไทย", "ja")
	f.Fuzz(func(t *testing.T, text, language string) {
		terms, length := Terms(Fields{Body: text, Language: language})
		for i := range terms {
			if i > 0 && terms[i].Hash <= terms[i-1].Hash || terms[i].TF == 0 {
				t.Fatalf("terms not in order: %v", terms)
			}
		}
		if (length > 0) != (len(terms) > 0) {
			t.Errorf("%d terms, length %d", len(terms), length)
		}
		for _, q := range QueryTerms(text, []string{language}) {
			if _, found := slices.BinarySearchFunc(terms, q.Hash, func(t Term, h uint64) int { return cmp.Compare(t.Hash, h) }); !found {
				t.Errorf("%q is in the question, not in the document", q.Text)
			}
		}
	})
}

func BenchmarkTerms(b *testing.B) {
	text := strings.Repeat("Claims must be submitted within 30 days of the end of the trip; see getUserById in pricing.xlsx. ", 12)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Terms(Fields{Title: "Travel policy", Body: text, Language: "en"})
	}
}

// The name counts like a word of the body; author and attributes are found by
// their terms alone and change neither length nor words.
func TestTermsOfNameAndFilters(t *testing.T) {
	plain, length := Terms(Fields{Body: "alpha"})
	terms, withFilters := Terms(Fields{Body: "alpha", Author: "Zoe\u0308 KÖHLER", Attributes: map[string]string{"team": "alpha", "alpha": "team"}})
	if withFilters != length {
		t.Errorf("length = %d, want %d", withFilters, length)
	}
	want := map[uint64]uint8{AuthorTerm("zoë köhler"): 1, AttributeTerm("team", "alpha"): 1, AttributeTerm("alpha", "team"): 1}
	for _, term := range plain {
		want[term.Hash] = term.TF
	}
	got := map[uint64]uint8{}
	for _, term := range terms {
		got[term.Hash] = term.TF
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("frequencies (-want +got):\n%s", diff)
	}
	terms, length = Terms(Fields{Name: "alpha.txt", Body: "alpha"})
	if n := tf(terms, "alpha"); n != 2 || tf(terms, "alpha.txt") != 1 || length != 3 {
		t.Errorf("with a name: frequency %d, length %d, want 2 and 3", n, length)
	}
}

func TestFilterTermsDiffer(t *testing.T) {
	seen := map[uint64]string{}
	for name, hash := range map[string]uint64{
		"author a":       AuthorTerm("a"),
		"author b":       AuthorTerm("b"),
		"a is bc":        AttributeTerm("a", "bc"),
		"ab is c":        AttributeTerm("ab", "c"),
		"a is BC":        AttributeTerm("a", "BC"),
		"a0 is c":        AttributeTerm("a\x00", "c"),
		"a is 0c":        AttributeTerm("a", "\x00c"),
		"author is a":    AttributeTerm("author", "a"),
		"the word a":     Hash("a"),
		"nothing at all": Hash(""),
	} {
		if other, ok := seen[hash]; ok {
			t.Errorf("%s and %s are one term", name, other)
		}
		seen[hash] = name
	}
	if AuthorTerm("\u0130A") != AuthorTerm("I\u0307a") {
		t.Error("a composed and a decomposed name differ")
	}
}
