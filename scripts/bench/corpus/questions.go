package corpus

import (
	_ "embed"
	"math"
	"math/rand/v2"
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

// Heavy returns questions whose words are frequent: the document frequencies of
// their words sum to about half the number of chunks, between a quarter and the
// whole. frequency returns in how many of the chunks each of the words stands.
func (c *Invented) Heavy(n, chunks int, frequency func(words []string) (map[string]int, error)) ([]Question, error) {
	var frequent []string
	for rank := uint64(5); rank < 400; rank++ {
		frequent = append(frequent, word(rank))
	}
	of, err := frequency(frequent)
	if err != nil {
		return nil, err
	}
	out := c.Realistic(n)
	for i := range out {
		r := rand.New(rand.NewPCG(c.Seed+11, uint64(i)))
		target := heavyShare * float64(chunks) * math.Exp2(2*r.Float64()-1)
		words := strings.Fields(out[i].Text)[:2]
		used := map[string]bool{}
		for sum := 0; len(words) < 16; {
			w := frequent[r.IntN(len(frequent))]
			if used[w] || sum+of[w] > int(1.1*target) && len(words) < 15 && sum < int(.8*target) {
				used[w] = true // too frequent for what is left
				if len(used) == len(frequent) {
					break
				}
				continue
			}
			used[w] = true
			words = append(words, w)
			if sum += of[w]; sum >= int(.9*target) {
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
