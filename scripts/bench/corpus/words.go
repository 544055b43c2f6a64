package corpus

import (
	"math/rand/v2"
	"strings"
)

// word returns the invented word of a rank, each another one: letters only, as
// digits would make it an identifier of many parts.
func word(rank uint64) string {
	const all = 26 * 26 * 26 * 26 * 26 * 26
	n := rank*2654435761%all + 26 // spread over the words of up to six letters
	var letters []byte
	for ; n > 0; n /= 26 {
		letters = append(letters, byte('a'+n%26))
	}
	return string(letters)
}

// Unique returns a word that no generated text holds.
func Unique(n int) string { return word(uint64(vocabulary + 1_000_000 + n)) }

// Sizes of vocabularies.
const (
	vocabulary  = 2_000_000 // words of the language
	topicWords  = 4000      // of one topic
	topicRanks  = 60_000    // ranks that the words of topics are taken from,
	topicOffset = 500       // after the most frequent words
)

// speaker draws words of a document.
type speaker struct {
	r             *rand.Rand
	topic         int
	common, about *rand.Zipf
}

func newSpeaker(r *rand.Rand, topic int) *speaker {
	return &speaker{r, topic, rand.NewZipf(r, 1.07, 8, vocabulary), rand.NewZipf(r, 1.05, 20, topicWords-1)}
}

// word draws a word: one of the topic as often as one of the whole language.
func (s *speaker) word() string {
	if s.r.Uint64()&1 == 0 {
		return word(s.common.Uint64())
	}
	return topicWord(s.topic, s.about.Uint64())
}

// topicWord returns the word of a rank within a topic. Topics share words.
func topicWord(topic int, rank uint64) string {
	h := (uint64(topic+1)*0x9e3779b97f4a7c15 ^ rank*0xbf58476d1ce4e5b9)
	h = (h ^ h>>31) * 0x94d049bb133111eb
	return word(topicOffset + (h^h>>29)%topicRanks)
}

// words draws a line of so many words.
func (s *speaker) words(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.word())
	}
	return b.String()
}

// text draws sentences of so many words in all.
func (s *speaker) text(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(s.word())
		if i%15 == 14 || i == n-1 {
			b.WriteByte('.')
		}
		if i < n-1 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Text returns invented sentences of so many words in all, equal for equal seeds.
func Text(seed uint64, topic, words int) string {
	return newSpeaker(rand.New(rand.NewPCG(seed, 4)), topic).text(words)
}
