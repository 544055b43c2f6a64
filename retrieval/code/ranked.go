package code

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cairnhq/cairn"
)

// Ranked is a definition as the index keeps it.
type Ranked struct {
	Definition
	// Rank orders definitions of one name, the lowest first.
	Rank int64
	// Around are brief hashes of what can be written before the name: the type it belongs
	// to, folders, file, package and repository it lies in; and of the name as it is written.
	Around []int32
}

// brief returns the hash of a name, upper and lower case alike, for Around.
func brief(name string) int32 { return int32(Hash(name)) } //nolint:gosec // a part of it is enough

// spelled returns the hash of a name as it is written, for Around.
func spelled(name string) int32 { return int32(hash("=" + name)) } //nolint:gosec // as above

// ranked returns the definitions of a file as the index keeps them.
func ranked(defined []Definition, d *cairn.Document, at string, place int64) []Ranked {
	file := around(d, at)
	out := make([]Ranked, len(defined))
	for i, x := range defined {
		names := append([]int32{spelled(x.Name)}, file...)
		for _, part := range nameParts(x.Scope) {
			names = append(names, brief(part))
		}
		slices.Sort(names)
		out[i] = Ranked{Definition: x, Rank: rankOf(x, at, place, i), Around: slices.Compact(names)}
	}
	return out
}

var goPackage = regexp.MustCompile(`(?m)^package[ \t]+(\w+)`)

// foldersAround is how many folders above a file are among its names.
const foldersAround = 3

// around returns brief hashes of what the definitions of a file can be said to lie in.
func around(d *cairn.Document, at string) []int32 {
	names := []string{stem(at)}
	folders := strings.Split(path.Dir(at), "/")
	names = append(names, folders[max(0, len(folders)-foldersAround):]...)
	if repo := d.Attributes["repo"]; repo != "" {
		names = append(names, repo, path.Base(repo))
	}
	if d.Attributes["language"] == "Go" {
		if m := goPackage.FindSubmatch(d.Body); m != nil {
			names = append(names, string(m[1]))
		}
	}
	out := make([]int32, len(names))
	for i, name := range names {
		out[i] = brief(name)
	}
	return out
}

// The parts of a rank: what is known of a definition, a hash of the file, and the ordinal
// in it.
const (
	ordinalBits = 13 // of maxSymbols
	fileBits    = 27
)

// rankOf returns the rank of a definition: types before functions before what is in them,
// what people have written and show before tests, examples, what programs have made and
// what a package keeps to itself, and short paths before long ones.
func rankOf(d Definition, at string, place int64, ordinal int) int64 {
	rank := 1000 - int64(kindScore(d.Kind)) + int64(penalty(int(place>>kindShift)))
	if strings.HasPrefix(at, "internal/") || strings.Contains(at, "/internal/") {
		rank += 100
	}
	if r, _ := utf8.DecodeRuneInString(d.Scope); unicode.IsLower(r) || r == '_' {
		rank += 50
	}
	rank += int64(min(len(at)/2, 90))
	file := place & (1<<kindShift - 1) >> (kindShift - fileBits)
	return rank<<(fileBits+ordinalBits) | file<<ordinalBits | int64(ordinal)
}

// scoreOfRank returns what a rank takes from the score.
func scoreOfRank(rank int64) float64 { return float64(rank >> (fileBits + ordinalBits)) }
