package retrieval

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/lexical"
)

// How sketches are made.
const (
	shingleWords = 4
	sketchSize   = 64
	mostApart    = 12 // shingles of a sketch; with more the likeness is below versionLikeness
)

// sketch is a passage in a form that is quickly compared: the least of the hashes
// of its shingles (Broder, On the Resemblance and Containment of Documents, 1997),
// with all numbers alike, and the numbers apart.
type sketch struct {
	passage  *cairn.Passage
	title    string
	shingles []uint64 // ascending, at most sketchSize
	numbers  uint64   // hash of all of them, in order
	words    uint64   // hash of all other words, in order
}

func sketchOf(p *cairn.Passage) sketch {
	s := sketch{passage: p, title: plainTitle(p.Title)}
	words := make([]uint64, 0, len(p.Text)/4)
	for start := 0; start < len(p.Text); {
		end, next, number := nextWord(p.Text, start)
		if word := p.Text[start:end]; number {
			s.numbers = mix(s.numbers, lexical.Hash(word))
			words = append(words, anyNumber)
		} else if word != "" {
			h := lexical.Hash(strings.ToLower(word))
			s.words = mix(s.words, h)
			words = append(words, h)
		}
		start = next
	}
	s.shingles = words // of which the place of the first word is free by then
	n := 0
	for i := 0; i < len(words) && (i == 0 || i+shingleWords <= len(words)); i++ {
		var h uint64
		for _, w := range words[i:min(i+shingleWords, len(words))] {
			h = mix(h, w)
		}
		s.shingles[n] = h
		n++
	}
	s.shingles = s.shingles[:n]
	slices.Sort(s.shingles)
	s.shingles = slices.Compact(s.shingles)
	s.shingles = s.shingles[:min(sketchSize, len(s.shingles))]
	return s
}

// anyNumber stands for every word that holds a digit.
var anyNumber = lexical.Hash("0")

// nextWord returns where the word ends that begins at start, letters and numbers,
// where to look for the next, and whether there is a number in it.
func nextWord(text string, start int) (end, next int, number bool) {
	for end = start; end < len(text); {
		c := text[end]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			end++
		case '0' <= c && c <= '9':
			number = true
			end++
		case c < utf8.RuneSelf:
			return end, end + 1, number
		default:
			r, size := utf8.DecodeRuneInString(text[end:])
			switch {
			case unicode.IsLetter(r):
			case unicode.IsNumber(r):
				number = true
			default:
				return end, end + size, number
			}
			end += size
		}
	}
	return end, end, number
}

// mix joins a hash to those before it; their order matters.
func mix(h, next uint64) uint64 {
	h = (h ^ next) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// likeness estimates which share of all their shingles two passages have in common;
// 0 where it is below versionLikeness.
func (s sketch) likeness(o sketch) float64 {
	common, union := 0, 0
	for i, j := 0, 0; union < sketchSize && (i < len(s.shingles) || j < len(o.shingles)); union++ {
		switch {
		case j == len(o.shingles) || i < len(s.shingles) && s.shingles[i] < o.shingles[j]:
			i++
		case i == len(s.shingles) || o.shingles[j] < s.shingles[i]:
			j++
		default:
			common++
			i++
			j++
			continue
		}
		if union+1-common > mostApart {
			return 0
		}
	}
	return float64(common) / float64(union)
}

// versionMarks are what people write beside a title to tell copies and versions apart.
var versionMarks = regexp.MustCompile(`(?i)\b(copy( of)?|final|draft|old|new|v\d+(\.\d+)*|version \d+(\.\d+)*)\b|\(\d+\)`)

// plainTitle returns a title without such marks, in lower case.
func plainTitle(title string) string {
	words := strings.FieldsFunc(versionMarks.ReplaceAllString(title, " "), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return strings.ToLower(strings.Join(words, " "))
}
