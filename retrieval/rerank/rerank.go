// Package rerank speaks to rerankers over HTTP: Hugging Face's Text Embeddings
// Inference, Cohere and Jina AI, and servers that offer the interface of one.
package rerank

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
)

// Kind is the interface that a reranker offers.
type Kind string

// The kinds, with where their interface is described.
const (
	TEI    Kind = "tei"    // https://huggingface.github.io/text-embeddings-inference
	Cohere Kind = "cohere" // https://docs.cohere.com/reference/rerank
	Jina   Kind = "jina"   // https://jina.ai/reranker
)

// Config names a reranker.
type Config struct {
	Kind    Kind
	URL     string        // to which /rerank is added; empty: the provider's own
	Model   string        // TEI serves one and needs none
	APIKey  string        // empty: none is sent
	Timeout time.Duration // of a call; 0: 2 seconds
	Client  *http.Client  // nil: one of its own; its CheckRedirect is not used: a question follows no redirect
}

// maxReply bounds what is read of a reply, in bytes.
const maxReply = 1 << 20

// Reranker is a reranker behind HTTP. It may be used by several goroutines at once.
type Reranker struct {
	config   Config
	endpoint string
}

// New returns the reranker that the config names, or an ErrInvalid error.
func New(c Config) (*Reranker, error) {
	base := c.URL
	switch {
	case c.Kind != TEI && c.Kind != Cohere && c.Kind != Jina:
		return nil, cairn.Errorf(cairn.ErrInvalid, "the kind of a reranker is tei, cohere or jina, not %q", c.Kind)
	case base == "" && c.Kind == TEI:
		return nil, cairn.Errorf(cairn.ErrInvalid, "a reranker of kind tei needs an address")
	case base == "" && c.Kind == Cohere:
		base = "https://api.cohere.com/v2"
	case base == "":
		base = "https://api.jina.ai/v1"
	}
	if c.Kind != TEI && c.Model == "" {
		return nil, cairn.Errorf(cairn.ErrInvalid, "a reranker of kind %s needs the name of a model", c.Kind)
	}
	if c.Timeout == 0 {
		c.Timeout = 2 * time.Second
	}
	client := http.Client{Timeout: c.Timeout}
	if c.Client != nil {
		client = *c.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Client = &client
	return &Reranker{config: c, endpoint: strings.TrimSuffix(base, "/") + "/rerank"}, nil
}

// Rerank implements retrieval.Reranker. A reply that does not judge each passage
// exactly once is an error. No error holds the key, the question or a passage.
func (r *Reranker) Rerank(ctx context.Context, question string, passages []string) ([]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	body, err := json.Marshal(r.request(question, passages))
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("rerank: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "cairn")
	if r.config.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+r.config.APIKey)
	}
	resp, err := r.config.Client.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // without the address, which may hold a key
		}
		return nil, fmt.Errorf("rerank: no reply: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("rerank: the reply has status %d", resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	if err != nil {
		return nil, fmt.Errorf("rerank: read the reply: %w", err)
	}
	if len(data) > maxReply {
		return nil, fmt.Errorf("rerank: the reply is longer than %d bytes", maxReply)
	}
	return r.scores(data, len(passages))
}

// teiRequest is what Text Embeddings Inference takes.
type teiRequest struct {
	Query    string   `json:"query"`
	Texts    []string `json:"texts"`
	Truncate bool     `json:"truncate"`
}

// request is what Cohere and Jina take.
type request struct {
	Model     string   `json:"model"`
	Query     string   `json:"query"`
	Documents []string `json:"documents"`
	TopN      int      `json:"top_n"`
}

func (r *Reranker) request(question string, passages []string) any {
	if r.config.Kind == TEI {
		return teiRequest{Query: question, Texts: passages, Truncate: true}
	}
	return request{Model: r.config.Model, Query: question, Documents: passages, TopN: len(passages)}
}

// judgement is a passage with its score: TEI calls it score, the others relevance_score.
type judgement struct {
	Index     *int     `json:"index"`
	Score     *float64 `json:"score"`
	Relevance *float64 `json:"relevance_score"`
}

// scores reads a reply about n passages.
func (r *Reranker) scores(data []byte, n int) ([]float64, error) {
	var judged []judgement
	var err error
	if r.config.Kind == TEI {
		err = json.Unmarshal(data, &judged)
	} else {
		var reply struct{ Results []judgement }
		err = json.Unmarshal(data, &reply)
		judged = reply.Results
	}
	if err != nil {
		return nil, fmt.Errorf("rerank: read the reply: %w", err)
	}
	out, seen := make([]float64, n), make([]bool, n)
	for _, j := range judged {
		score := j.Relevance
		if r.config.Kind == TEI {
			score = j.Score
		}
		if j.Index == nil || *j.Index < 0 || *j.Index >= n || seen[*j.Index] || score == nil || math.IsNaN(*score) {
			return nil, errors.New("rerank: the reply judges a passage that was not asked for, or one twice")
		}
		out[*j.Index], seen[*j.Index] = *score, true
	}
	if len(judged) != n {
		return nil, fmt.Errorf("rerank: the reply judges %d of %d passages", len(judged), n)
	}
	return out, nil
}
