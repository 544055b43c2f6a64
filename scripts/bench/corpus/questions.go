package corpus

import (
	_ "embed"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// Question is what somebody looks for, and a document about the same topic.
type Question struct {
	Text string
	Doc  int
}

// Realistic returns questions of three to six words of one topic, with a
// frequent word or two among them as in real ones.
func (c *Invented) Realistic(n int) []Question {
	out := make([]Question, n)
	for i := range out {
		r := rand.New(rand.NewPCG(c.Seed+10, uint64(i)))
		doc := r.IntN(c.Docs)
		topic, _ := c.place(c.random(doc))
		s := newSpeaker(r, topic)
		var words []string
		for range 2 + r.IntN(3) {
			words = append(words, topicWord(topic, s.about.Uint64()))
		}
		for range 1 + r.IntN(2) {
			words = append(words, word(s.common.Uint64()))
		}
		out[i] = Question{strings.Join(words, " "), doc}
	}
	return out
}

// heavyShare is the sum of the document frequencies of a heavy question, as a
// part of the number of chunks, at the median.
const heavyShare = .493

// maxHeavyWords bounds the length of a heavy question.
const maxHeavyWords = 16

// Heavy returns questions whose words are frequent: the document frequencies of
// their words sum to about half the number of chunks, between a quarter and the
// whole. frequency returns in how many of the chunks each of the words stands.
func (c *Invented) Heavy(n, chunks int, frequency func(words []string) (map[string]int, error)) ([]Question, error) {
	var frequent []string
	for rank := uint64(5); rank < 400; rank++ {
		frequent = append(frequent, word(rank))
	}
	out := c.Realistic(n)
	all := slices.Clone(frequent)
	for i := range out {
		words := strings.Fields(out[i].Text)[:2] // of its topic
		out[i].Text = strings.Join(words, " ")
		all = append(all, words...)
	}
	of, err := frequency(all)
	if err != nil {
		return nil, err
	}
	for i := range out {
		r := rand.New(rand.NewPCG(c.Seed+11, uint64(i)))
		target := int(heavyShare * float64(chunks) * math.Exp2(2*r.Float64()-1))
		words := strings.Fields(out[i].Text)
		sum := of[words[0]] + of[words[1]]
		for _, next := range r.Perm(len(frequent)) {
			w := frequent[next]
			if sum+of[w] > target*11/10 {
				continue
			}
			words = append(words, w)
			if sum += of[w]; sum >= target*9/10 || len(words) == maxHeavyWords {
				break
			}
		}
		out[i].Text = strings.Join(words, " ")
	}
	return out, nil
}

//go:embed questions.txt
var questions string //nolint:gochecknoglobals // a file inside the program

// RealQuestions returns questions about Go's standard library that somebody
// might ask in these words.
func RealQuestions() []string { return strings.Split(strings.TrimSpace(questions), "\n") }
