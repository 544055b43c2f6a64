package code

import (
	"cmp"
	"hash/fnv"
	"path"
	"regexp"
	"strings"

	"github.com/cairnhq/cairn"
)

// Format stands for all of the code that derives an index from a file. What was stored
// with another is derived anew.
const Format = 2

// File is what the index keeps of a file.
type File struct {
	Language string
	Place    int64 // order in which files are looked at: see placeOf
	Size     int   // bytes
	Name     int64 // hash of the file's name
	Stem     int64 // hash of it without extension
	Trigrams []int32
	Symbols  []Ranked
}

// Describe returns what the index keeps of a document; false when it is not code.
func Describe(d *cairn.Document) (File, bool) {
	if d.Kind != cairn.KindCode {
		return File{}, false
	}
	at := PathOf(d.Attributes, d.External)
	f := File{
		Language: d.Attributes["language"], Place: placeOf(d.Attributes["repo"], at, d.Body), Size: len(d.Body),
		Name: Hash(path.Base(at)), Stem: Hash(stem(at)), Trigrams: trigrams(d.Body),
	}
	f.Symbols = ranked(symbols(d.Body, f.Language), d, at, f.Place)
	return f, true
}

// stem returns the name of a file without extension.
func stem(at string) string {
	name := path.Base(at)
	return strings.TrimSuffix(name, path.Ext(name))
}

// PathOf returns the path of a file in its repository, or else its name at its source.
func PathOf(attributes map[string]string, external string) string {
	return cmp.Or(attributes["path"], external)
}

// Hash returns the hash of a name, upper and lower case alike.
func Hash(name string) int64 { return int64(hash(strings.ToLower(name))) } //nolint:gosec // bits

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // cannot fail
	return h.Sum64()
}

// Files are looked at in the order of their kind, and then of the hash of their names:
// an order that says nothing of other files, and is the same wherever they are stored.
const (
	ordinary = iota
	ofTests
	ofExamples
	made      // by programs, or copied from others
	kindShift = 56
)

// placeOf returns the place of a file in that order.
func placeOf(repo, at string, body []byte) int64 {
	return int64(weigh(at, body))<<kindShift | int64(hash(repo+"\x00"+at)>>(64-kindShift))
}

var (
	testFile    = regexp.MustCompile(`(?i)(^|/)(tests?|testdata|testing|spec|__tests__|fixtures?)/|(_test|\.test|\.spec|_spec|Test|Tests)\.\w+$|(^|/)test_\w+\.py$`)
	exampleFile = regexp.MustCompile(`(?i)(^|/)(_?examples?|samples?|docs?|demos?)/`)
	madeFile    = regexp.MustCompile(`(?i)(^|/)(vendor|node_modules|third_party|dist|generated)/|\.min\.\w+$|\.pb\.go$|_generated\.|(^|/)zz_`)
	madeMark    = regexp.MustCompile(`(?m)^.{0,5}(Code generated .* DO NOT EDIT|@generated)`)
)

func weigh(at string, body []byte) int {
	switch {
	case madeFile.MatchString(at), madeMark.Match(body[:min(len(body), 2000)]):
		return made
	case testFile.MatchString(at):
		return ofTests
	case exampleFile.MatchString(at):
		return ofExamples
	}
	return ordinary
}
