// Package corpus makes the documents, permissions and questions that the
// benchmarks search: invented ones of any size, equal at every run, and the
// sources of the Go installation.
package corpus

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
)

// Doc is a document of a corpus. Its ID, ACL and External are set.
type Doc struct {
	Number int // from 0, ascending without gaps
	Class  int // of permissions, from 0
	Topic  int
	Source string // name
	cairn.Document
}

// Corpus is a set of documents with their permissions. Equal corpora have equal
// settings and give equal documents.
type Corpus interface {
	// Settings is everything that the documents depend on, for encoding/json.
	Settings() any
	// Sources are the names of the sources that the documents belong to.
	Sources() []string
	// Documents yields the documents in the order of their numbers.
	Documents() iter.Seq[Doc]
	// ClassOf returns the class of each document.
	ClassOf() []int
	// Permissions says who may read which class.
	Permissions() *Permissions
}

// ID returns the id of a document.
func ID(number int) cairn.DocumentID { return cairn.DocumentID(fmt.Sprintf("bench-%08d", number)) }

// Number returns the number of the document with the id.
func Number(id cairn.DocumentID) (int, error) {
	return strconv.Atoi(strings.TrimPrefix(string(id), "bench-"))
}

// Invented is a corpus of documents in a language without a meaning. Words
// follow Zipf's law; half of them come from the vocabulary of the document's
// topic, so that words occur together as in a company's documents. Classes of
// permissions belong to topics.
type Invented struct {
	Docs    int
	Classes int
	Topics  int
	Seed    uint64

	classOf     []int
	permissions *Permissions
}

// inventedVersion is raised when the generator changes.
const inventedVersion = 1

// NewInvented returns a corpus of so many documents with three chunks each on
// average, in 1,500 classes and 100 topics.
func NewInvented(docs int) *Invented {
	c := &Invented{Docs: docs, Classes: 1500, Topics: 100, Seed: 20261123}
	c.classOf = make([]int, docs)
	chunks := make([]int, c.Classes)
	for n := range docs {
		r := c.random(n)
		_, class := c.place(r)
		c.classOf[n] = class
		chunks[class] += sections(r)
	}
	c.permissions = newPermissions(chunks)
	return c
}

// Settings implements Corpus.
func (c *Invented) Settings() any { return []any{"invented", inventedVersion, c} }

// Sources implements Corpus.
func (c *Invented) Sources() []string {
	return []string{value("source", half), value("source", hundredth), value("source", rare), value("source", rest)}
}

// ClassOf implements Corpus.
func (c *Invented) ClassOf() []int { return c.classOf }

// Permissions implements Corpus.
func (c *Invented) Permissions() *Permissions { return c.permissions }

// random returns the source of everything that is drawn for a document.
func (c *Invented) random(number int) *rand.Rand {
	return rand.New(rand.NewPCG(c.Seed, uint64(number)))
}

// place draws topic and class. Topics differ in size, and within each a few
// classes hold most documents.
func (c *Invented) place(r *rand.Rand) (topic, class int) {
	u := r.Float64()
	topic = int(u * u * float64(c.Topics))
	of := c.Classes / c.Topics
	v := r.Float64()
	return topic, topic*of + int(v*v*float64(of))
}

// sections draws the number of sections of a document, each of which becomes a
// chunk: 1 to 5, 3 on average.
func sections(r *rand.Rand) int { return 1 + r.IntN(3) + r.IntN(3) }

// Documents implements Corpus.
func (c *Invented) Documents() iter.Seq[Doc] {
	return func(yield func(Doc) bool) {
		for n := range c.Docs {
			if !yield(c.Document(n)) {
				return
			}
		}
	}
}

// Document returns the document of a number.
func (c *Invented) Document(number int) Doc {
	r := c.random(number)
	topic, class := c.place(r)
	parts := sections(r)
	draw := newSpeaker(r, topic)
	f := c.fields(number)
	d := Doc{Number: number, Topic: topic, Class: class, Source: f.source}
	d.Document = cairn.Document{
		ID: ID(number), External: fmt.Sprint(number), Kind: f.kind, Title: draw.words(4), Author: f.author, Language: "en",
		ACL: c.permissions.ACL(class), Modified: f.modified, Created: f.modified, Attributes: map[string]string{"grade": f.grade},
	}
	var body strings.Builder
	for range parts {
		heading := draw.words(3)
		start := body.Len()
		fmt.Fprintf(&body, "## %s\n\n%s\n\n", heading, draw.text(90+r.IntN(100)))
		d.Sections = append(d.Sections, cairn.Section{Heading: []string{heading}, Start: start, End: body.Len()})
	}
	d.Body = []byte(body.String())
	d.Version = cairn.VersionOf(d.Body)
	return d
}

// epoch is the date of the oldest invented document.
func epoch() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

// Pieces returns what a document is cut into and the text that is embedded of
// each piece, as ingestion makes them.
func (d *Doc) Pieces() ([]ingest.Piece, []string) {
	pieces := ingest.Cut(&d.Document)
	texts := make([]string, len(pieces))
	for i, p := range pieces {
		texts[i] = ingest.Context(d.Title, p.Heading) + "\n" + string(d.Body[p.Start:p.End])
	}
	return pieces, texts
}
