package corpus

import (
	"fmt"
	"math"

	"github.com/cairnhq/cairn"
)

// Share is a viewer by what part of the chunks she may read.
type Share struct {
	Name string  // "40 %"
	Part float64 // 0..1
	Key  string  // name of the group whose members see that much
}

// Shares returns the viewers of the benchmarks, from one who may read everything.
func Shares() []Share {
	return []Share{
		{"100 %", 1, "sees-100"}, {"40 %", .4, "sees-40"}, {"10 %", .1, "sees-10"}, {"2 %", .02, "sees-2"}, {"0.1 %", .001, "sees-0-1"},
	}
}

// Viewer returns a viewer of the share, without an account.
func (s Share) Viewer() cairn.Viewer {
	return cairn.Viewer{Account: cairn.AccountID("bench-" + s.Key), Keys: []cairn.PrincipalKey{cairn.Everyone, cairn.GroupKey("cairn", s.Key)}}
}

// Permissions says which classes the viewer of each share may read. Classes of
// neighbouring numbers are about the same thing, and a viewer reads a run of
// them: what she may read depends on what it is about.
type Permissions struct {
	from, to []int     // by share: its run of classes
	actual   []float64 // by share: the part of the chunks in it
}

// newPermissions chooses for each share the run of classes whose chunks come
// closest to it, given the chunks of each class.
func newPermissions(chunks []int) *Permissions {
	all := 0
	for _, n := range chunks {
		all += n
	}
	p := &Permissions{}
	for _, s := range Shares() {
		target := s.Part * float64(all)
		from, to, sum := closestRun(chunks, target)
		p.from, p.to = append(p.from, from), append(p.to, to)
		p.actual = append(p.actual, float64(sum)/float64(max(all, 1)))
	}
	return p
}

func closestRun(chunks []int, target float64) (from, to, sum int) {
	best := math.Inf(1)
	for start := range chunks {
		have := 0
		for end := start; end < len(chunks) && float64(have) < target; end++ {
			have += chunks[end]
			if miss := math.Abs(float64(have) - target); miss < best && have > 0 {
				best, from, to, sum = miss, start, end+1, have
			}
		}
	}
	return from, to, sum
}

// Sees reports whether the viewer of a share may read a class.
func (p *Permissions) Sees(share, class int) bool {
	return p.from[share] <= class && class < p.to[share]
}

// Classes returns the classes that the viewer of a share may read.
func (p *Permissions) Classes(share int) []int32 {
	var out []int32
	for c := p.from[share]; c < p.to[share]; c++ {
		out = append(out, int32(c))
	}
	return out
}

// Part returns what part of the chunks the viewer of a share may read.
func (p *Permissions) Part(share int) float64 { return p.actual[share] }

// ACL returns the permissions of a class: its own group and those of the shares.
func (p *Permissions) ACL(class int) cairn.ACL {
	keys := []cairn.PrincipalKey{cairn.GroupKey("cairn", fmt.Sprintf("class-%05d", class))}
	for i, s := range Shares() {
		if p.Sees(i, class) {
			keys = append(keys, cairn.GroupKey("cairn", s.Key))
		}
	}
	return cairn.Allow(keys...)
}
