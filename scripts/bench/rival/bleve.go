// Package rival holds what Cairn's index is measured beside: the same terms in
// bleve, the same vectors in an HNSW index of pgvector.
package rival

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/whitespace"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search/query"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/cairnhq/cairn/retrieval/lexical"
	"github.com/cairnhq/cairn/scripts/bench/exact"
)

// Bleve is an index of bleve over the terms of chunks, scored by BM25, with the
// class of permissions as a field to filter by.
type Bleve struct {
	Built Built
	index bleve.Index
}

// Built says what building an index took.
type Built struct {
	Seconds float64
	Bytes   int64 // on disk
}

const (
	termsField = "terms"
	classField = "class"
	bleveBatch = 1000
)

// OpenBleve opens the index in a folder, and builds it first when it is not there.
func OpenBleve(dir string, chunks *exact.Chunks, classOf []int) (*Bleve, error) {
	b := &Bleve{}
	path := filepath.Join(dir, "bleve")
	if mark, err := os.ReadFile(path + ".json"); err == nil {
		if err := json.Unmarshal(mark, &b.Built); err != nil {
			return nil, err
		}
		b.index, err = bleve.Open(path)
		return b, err
	}
	if err := os.RemoveAll(path); err != nil {
		return nil, err
	}
	began := time.Now()
	var err error
	if b.index, err = bleve.New(path, bleveMapping()); err != nil {
		return nil, err
	}
	if err := b.build(chunks, classOf); err != nil {
		b.index.Close()
		return nil, err
	}
	b.Built = Built{Seconds: time.Since(began).Seconds(), Bytes: sizeOf(path)}
	mark, err := json.Marshal(b.Built)
	if err != nil {
		return nil, err
	}
	return b, os.WriteFile(path+".json", mark, 0o600)
}

func bleveMapping() *mapping.IndexMappingImpl {
	m := bleve.NewIndexMapping()
	m.ScoringModel = index.BM25Scoring
	// The registry knows both names; the error would be of another kind of analyzer.
	_ = m.AddCustomAnalyzer("terms", map[string]any{"type": custom.Name, "tokenizer": whitespace.Name})
	field := func(analyzer string) *mapping.FieldMapping {
		f := bleve.NewTextFieldMapping()
		f.Analyzer, f.Store, f.IncludeTermVectors, f.IncludeInAll, f.DocValues = analyzer, false, false, false, false
		return f
	}
	doc := bleve.NewDocumentStaticMapping()
	doc.AddFieldMappingsAt(termsField, field("terms"))
	doc.AddFieldMappingsAt(classField, field("keyword"))
	m.DefaultMapping = doc
	return m
}

func (b *Bleve) build(chunks *exact.Chunks, classOf []int) error {
	batch := b.index.NewBatch()
	for i, data := range chunks.Terms {
		terms, err := lexical.DecodeTerms(data)
		if err != nil {
			return err
		}
		var text strings.Builder
		for _, t := range terms {
			for range t.TF {
				text.WriteString(token(t.Hash))
				text.WriteByte(' ')
			}
		}
		class := strconv.Itoa(classOf[chunks.Doc[i]])
		if err := batch.Index(strconv.Itoa(i), map[string]any{termsField: text.String(), classField: class}); err != nil {
			return err
		}
		if batch.Size() == bleveBatch || i == chunks.Len()-1 {
			if err := b.index.Batch(batch); err != nil {
				return err
			}
			batch = b.index.NewBatch()
		}
	}
	return nil
}

func token(hash uint64) string { return strconv.FormatUint(hash, 36) }

// Visible returns a filter for chunks of the classes; nil for those of all.
func (b *Bleve) Visible(classes []int32) query.Query {
	var any []query.Query
	for _, c := range classes {
		q := bleve.NewTermQuery(strconv.Itoa(int(c)))
		q.SetField(classField)
		any = append(any, q)
	}
	return bleve.NewDisjunctionQuery(any...)
}

// Search returns the numbers of the best chunks.
func (b *Bleve) Search(ctx context.Context, terms []lexical.QueryTerm, visible query.Query, limit int) ([]int, error) {
	q := bleve.NewBooleanQuery()
	for _, t := range terms {
		term := bleve.NewTermQuery(token(t.Hash))
		term.SetField(termsField)
		term.SetBoost(float64(t.Weight))
		q.AddShould(term)
	}
	q.SetMinShould(1)
	if visible != nil {
		q.AddFilter(visible)
	}
	res, err := b.index.SearchInContext(ctx, bleve.NewSearchRequestOptions(q, limit, 0, false))
	if err != nil {
		return nil, fmt.Errorf("bleve: %w", err)
	}
	found := make([]int, len(res.Hits))
	for i, h := range res.Hits {
		if found[i], err = strconv.Atoi(h.ID); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Close closes the index.
func (b *Bleve) Close() { b.index.Close() }

func sizeOf(dir string) (bytes int64) {
	_ = filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
