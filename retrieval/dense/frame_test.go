package dense

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
)

func TestFrameIsMean(t *testing.T) {
	count := 0
	frame, err := FrameOf(func(texts []string) ([][]float32, error) {
		var vectors [][]float32
		for _, text := range texts {
			if strings.TrimSpace(text) == "" {
				t.Error("an empty text")
			}
			vectors = append(vectors, []float32{float32(count % 2), 3})
			count++
		}
		return vectors, nil
	})
	if c := frame.Centre; err != nil || len(c) != 2 || c[1] != 3 || math.Abs(float64(c[0])-0.5) > 0.01 || frame.Axis != nil {
		t.Errorf("frame %v, %v; want the centre .5, 3", frame, err)
	}
	if count < 200 {
		t.Errorf("%d texts, want about 200", count)
	}
}

func TestFrameRejects(t *testing.T) {
	broken := errors.New("out of order")
	for name, embed := range map[string]func(texts []string) ([][]float32, error){
		"an error":           func([]string) ([][]float32, error) { return nil, broken },
		"no vectors":         func([]string) ([][]float32, error) { return nil, nil },
		"empty vectors":      func(texts []string) ([][]float32, error) { return make([][]float32, len(texts)), nil },
		"not a number":       func(texts []string) ([][]float32, error) { return repeated(texts, float32(math.NaN())), nil },
		"different lengths":  func(texts []string) ([][]float32, error) { return append(repeated(texts[1:], 1), []float32{1, 2}), nil },
		"one vector too few": func(texts []string) ([][]float32, error) { return repeated(texts[1:], 1), nil },
	} {
		if frame, err := FrameOf(embed); err == nil || name == "an error" && !errors.Is(err, broken) {
			t.Errorf("%s: frame %v, error %v", name, frame, err)
		}
	}
}

func repeated(texts []string, x float32) [][]float32 {
	vectors := make([][]float32, len(texts))
	for i := range vectors {
		vectors[i] = []float32{x}
	}
	return vectors
}

// The built-in model's vectors point to all sides, but for those of texts of which
// it knows no word. The same vectors moved far away have a centre.
func TestFrameOfBuiltin(t *testing.T) {
	e, err := builtin.New()
	if err != nil {
		t.Fatal(err)
	}
	frameOf := func(offset float32) Frame {
		frame, err := FrameOf(func(texts []string) ([][]float32, error) {
			vectors, err := e.Embed(context.Background(), llm.RoleDocument, texts)
			for _, v := range vectors {
				v[5] += offset
			}
			return vectors, err
		})
		if err != nil {
			t.Fatal(err)
		}
		return frame
	}
	if f := frameOf(3); f.Centre == nil || f.Axis != nil {
		t.Errorf("moved away: a centre of %d dimensions, an axis of %d", len(f.Centre), len(f.Axis))
	}
	f := frameOf(0)
	if f.Centre != nil || f.Axis == nil || math.Abs(inner(f.Axis, f.Axis)-1) > 1e-5 {
		t.Fatalf("a centre of %d dimensions, an axis of %d", len(f.Centre), len(f.Axis))
	}
	coder := NewCoder(e.Dim(), f, 1)
	asideOf := func(texts []string) (n int) {
		vectors, err := e.Embed(context.Background(), llm.RoleDocument, texts)
		if err != nil {
			t.Fatal(err)
		}
		codes := MakeCodes(0, coder.Words())
		for _, v := range vectors {
			codes.Append(coder.Append(nil, v))
		}
		for _, w := range codes.aside {
			n += onesCount(w)
		}
		return n
	}
	if n := asideOf(strings.Split(strings.TrimSpace(texts), "\n")); n > 5 {
		t.Errorf("%d texts of known words lie aside", n)
	}
	if n := asideOf(madeUp()); n < 60 {
		t.Errorf("%d of 64 texts of made-up words lie aside", n)
	}
}
