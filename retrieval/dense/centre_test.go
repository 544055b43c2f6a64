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

func TestCentreIsMean(t *testing.T) {
	count := 0
	centre, err := Centre(func(texts []string) ([][]float32, error) {
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
	if err != nil || len(centre) != 2 || centre[1] != 3 || math.Abs(float64(centre[0])-0.5) > 0.01 {
		t.Errorf("centre %v, %v; want .5, 3", centre, err)
	}
	if count < 200 {
		t.Errorf("%d texts, want about 200", count)
	}
}

func TestCentreRejects(t *testing.T) {
	broken := errors.New("out of order")
	for name, embed := range map[string]func(texts []string) ([][]float32, error){
		"an error":           func([]string) ([][]float32, error) { return nil, broken },
		"no vectors":         func([]string) ([][]float32, error) { return nil, nil },
		"empty vectors":      func(texts []string) ([][]float32, error) { return make([][]float32, len(texts)), nil },
		"not a number":       func(texts []string) ([][]float32, error) { return repeated(texts, float32(math.NaN())), nil },
		"different lengths":  func(texts []string) ([][]float32, error) { return append(repeated(texts[1:], 1), []float32{1, 2}), nil },
		"one vector too few": func(texts []string) ([][]float32, error) { return repeated(texts[1:], 1), nil },
	} {
		if centre, err := Centre(embed); err == nil || name == "an error" && !errors.Is(err, broken) {
			t.Errorf("%s: centre %v, error %v", name, centre, err)
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

// The built-in model's vectors point to all sides: they are coded around the
// origin. The same vectors moved far away are not.
func TestCentreOfBuiltin(t *testing.T) {
	e, err := builtin.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, offset := range []float32{0, 3} {
		centre, err := Centre(func(texts []string) ([][]float32, error) {
			vectors, err := e.Embed(context.Background(), llm.RoleDocument, texts)
			for _, v := range vectors {
				v[5] += offset
			}
			return vectors, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if (centre != nil) != (offset > 0) {
			t.Errorf("moved by %v: a centre of %d dimensions", offset, len(centre))
		}
	}
}
