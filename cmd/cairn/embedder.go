package main

import (
	"context"
	"fmt"

	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/dense"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
	"github.com/cairnhq/cairn/retrieval/llm/langchain"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
	"github.com/cairnhq/cairn/retrieval/rerank"
	"github.com/cairnhq/cairn/server"
)

// embedding is how texts are compared by meaning in this installation.
type embedding struct {
	space    postgres.Space
	query    llm.Embedder // of questions
	document llm.Embedder // of chunks before they are stored; nil: their vectors follow
	words    float64      // usual share of the lexical leg
	spread   float64      // usual distance of the best cosine from the last candidate's; 0: not known
}

// The shares of the lexical leg for a short question without names: the built-in
// embedder is the weaker half. Its spread is the median of 2,900 questions of
// development sets. How both were checked on sets that they were not chosen by:
// docs/evaluation.md, "What is fitted, and on what".
const (
	wordsWithBuiltin  = 0.75
	wordsWithModel    = 0.7
	spreadWithBuiltin = 0.34
)

// openEmbedding returns the built-in embedder, or the one that the settings name.
func (p *parts) openEmbedding(ctx context.Context, s server.Settings, own *builtin.Embedder) (e embedding, err error) {
	if s.Embed.Model == "" {
		e = embedding{query: own, document: own, words: wordsWithBuiltin, spread: spreadWithBuiltin}
		e.space, err = p.db.UseSpace(ctx, own.Model(), own.Dim(), frameOf(own))
		return e, err
	}
	config := embedderConfig(s.Embed)
	known, ok, err := p.db.SpaceOf(ctx, config.Name)
	if err != nil {
		return embedding{}, err
	}
	if ok { // it need not answer just now: until then search goes by words
		config.Dim = known.Dim
	}
	model, err := langchain.NewEmbedder(config)
	if err != nil {
		return embedding{}, err
	}
	if !ok {
		if err := model.Probe(ctx); err != nil {
			return embedding{}, fmt.Errorf("the embedding model %s does not answer (see CAIRN_EMBED_URL, or unset CAIRN_EMBED_MODEL): %w", s.Embed.Model, err)
		}
	}
	e = embedding{query: model, words: wordsWithModel}
	e.space, err = p.db.UseSpace(ctx, model.Model(), model.Dim(), frameOf(model))
	return e, err
}

// embedderConfig returns how the model is reached that the settings name. Vectors
// of texts with something before them are a space of their own.
func embedderConfig(s server.EmbedSettings) langchain.EmbedderConfig {
	c := langchain.EmbedderConfig{URL: s.URL, Model: s.Model, Name: s.Model, APIKey: s.APIKey.Reveal()}
	query, document := langchain.KnownPrefixes(s.Model)
	c.QueryPrefix, c.DocumentPrefix = prefix(s.QueryPrefix, query), prefix(s.DocumentPrefix, document)
	if c.DocumentPrefix != "" {
		c.Name = fmt.Sprintf("%s with %q", s.Model, c.DocumentPrefix)
	}
	return c
}

// prefix returns the prefix that is set, else the known one.
func prefix(set, known string) string {
	switch set {
	case "":
		return known
	case "none":
		return ""
	}
	return set
}

// frameOf returns the frame of a model's vector space, once it is asked for.
func frameOf(model llm.Embedder) postgres.Frame {
	return func(ctx context.Context) (dense.Frame, error) {
		return dense.FrameOf(func(texts []string) ([][]float32, error) { return model.Embed(ctx, llm.RoleDocument, texts) })
	}
}

// openReranker returns the reranker that the settings name, nil when they name none.
func openReranker(s server.Settings) (retrieval.Reranker, error) {
	if s.Rerank.Kind == "" {
		return nil, nil //nolint:nilnil // an interface without a value is how a retriever has none
	}
	r, err := rerank.New(rerank.Config{
		Kind: rerank.Kind(s.Rerank.Kind), URL: s.Rerank.URL, Model: s.Rerank.Model, APIKey: s.Rerank.APIKey.Reveal(),
	})
	if err != nil {
		return nil, fmt.Errorf("reranker: %w", err)
	}
	return reliable.NewReranker(r, reliable.NewBreaker("reranker", 0, 0)), nil
}
