package langchain

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tmc/langchaingo/llms/openai"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/llm"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
)

// EmbedderConfig describes an embedder behind an OpenAI-compatible endpoint.
type EmbedderConfig struct {
	URL    string // base to which "/embeddings" is added; empty: OpenAI's own
	Model  string // as the endpoint calls it
	Name   string // of the vector space; empty: Model, with Dim when that is asked for
	APIKey string // may be empty for an endpoint that asks for none

	// Dim is the length of the vectors; 0 takes what comes, see Embedder.Dim.
	Dim int
	// RequestDim asks the endpoint to shorten its vectors to Dim, which only
	// some models can.
	RequestDim bool
	// QueryPrefix and DocumentPrefix are put before the texts of the two sides,
	// as asymmetric models want it ("query: ", "passage: ").
	QueryPrefix, DocumentPrefix string
	// Batch is the largest number of texts in one request; 0 means 32.
	Batch int

	HTTPClient     *http.Client  // as in Config
	ConnectTimeout time.Duration // 0 means 5 s
	Limits         reliable.Config
}

// String leaves out the key.
func (c EmbedderConfig) String() string { return c.Model + " at " + c.URL }

// GoString is String.
func (c EmbedderConfig) GoString() string { return c.String() }

// largestVectors bounds a reply of the endpoint, in bytes.
const largestVectors = 64 << 20

// NewEmbedder returns the embedder that the configuration describes, with
// limits, retries and a breaker for each batch. It does not reach out to the
// endpoint. Errors are ErrInvalid and say what to fix.
func NewEmbedder(c EmbedderConfig) (*Embedder, error) {
	base, err := Config{URL: c.URL, Model: c.Model, Name: c.Name, APIKey: c.APIKey}.check()
	if err != nil {
		return nil, err
	}
	if c.RequestDim && c.Dim <= 0 {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the embedder %s is asked for shorter vectors, but not how long", c.Model)
	}
	if c.RequestDim && c.Name == "" {
		base.Name = fmt.Sprintf("%s-%d", c.Model, c.Dim)
	}
	e := &endpoint{config: c, name: base.Name}
	e.dim.Store(int64(c.Dim))
	if e.client, err = embeddingClient(c, base.URL); err != nil {
		return nil, fmt.Errorf("set up the client of embedder %s: %w", c.Model, err)
	}
	return &Embedder{inner: e, batches: reliable.NewEmbedder(e, c.Limits), size: cmp.Or(c.Batch, 32)}, nil
}

func embeddingClient(c EmbedderConfig, base string) (*openai.LLM, error) {
	connect := cmp.Or(c.ConnectTimeout, defaultConnectTimeout)
	w := &wire{client: httpClient(c.HTTPClient, connect), key: c.APIKey, connect: connect, reply: orderVectors}
	options := []openai.Option{
		openai.WithToken(cmp.Or(c.APIKey, noKey)), openai.WithBaseURL(base), openai.WithOrganization(""),
		openai.WithModel(c.Model), openai.WithEmbeddingModel(c.Model), openai.WithHTTPClient(w),
	}
	if c.RequestDim {
		options = append(options, openai.WithEmbeddingDimensions(c.Dim))
	}
	return openai.New(options...)
}

// Embedder reaches an embedder over HTTP. It may be used by several goroutines
// at once.
type Embedder struct {
	inner   *endpoint
	batches *reliable.Embedder
	size    int
}

// Model implements llm.Embedder.
func (e *Embedder) Model() string { return e.inner.name }

// Dim implements llm.Embedder. It is 0 when the configuration names none and
// nothing was embedded yet; Probe finds out.
func (e *Embedder) Dim() int { return e.inner.Dim() }

// Probe embeds a word, which shows whether the endpoint answers and sets Dim.
func (e *Embedder) Probe(ctx context.Context) error {
	_, err := e.Embed(ctx, llm.RoleQuery, []string{"cairn"})
	return err
}

// Embed implements llm.Embedder. A text of white space is not sent; its vector
// is zero. All errors are *llm.Error.
func (e *Embedder) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	var full []int
	for i, t := range texts {
		if strings.TrimSpace(t) != "" {
			full = append(full, i)
		}
	}
	if len(full) < len(texts) && e.Dim() == 0 {
		if err := e.Probe(ctx); err != nil {
			return nil, err
		}
	}
	for batch := range slices.Chunk(full, e.size) {
		some := make([]string, len(batch))
		for i, at := range batch {
			some[i] = texts[at]
		}
		got, err := e.batches.Embed(ctx, role, some)
		if err != nil {
			return nil, err
		}
		for i, at := range batch {
			vectors[at] = got[i]
		}
	}
	for i := range vectors {
		if vectors[i] == nil {
			vectors[i] = make([]float32, e.Dim())
		}
	}
	return vectors, nil
}

// endpoint embeds one batch of texts that are not empty.
type endpoint struct {
	config EmbedderConfig
	name   string
	client *openai.LLM
	dim    atomic.Int64
}

// Model implements llm.Embedder.
func (e *endpoint) Model() string { return e.name }

// Dim implements llm.Embedder.
func (e *endpoint) Dim() int { return int(e.dim.Load()) }

// Embed implements llm.Embedder for one request.
func (e *endpoint) Embed(ctx context.Context, role llm.Role, texts []string) ([][]float32, error) {
	prefix := e.config.DocumentPrefix
	if role == llm.RoleQuery {
		prefix = e.config.QueryPrefix
	}
	sent := make([]string, len(texts))
	for i, t := range texts {
		sent[i] = prefix + t
	}
	x := &exchange{texts: len(sent)}
	vectors, err := e.client.CreateEmbedding(x.into(ctx), sent)
	if failed := x.outcome(ctx, err); failed != nil {
		return nil, failed
	}
	for i := range vectors {
		if err := e.accept(vectors[i]); err != nil {
			return nil, &llm.Error{Kind: llm.ErrRejected, Err: err}
		}
	}
	return vectors, nil
}

// accept checks a vector and scales it to length 1, in place.
func (e *endpoint) accept(v []float32) error {
	if len(v) == 0 {
		return errors.New("the endpoint sent an empty vector")
	}
	e.dim.CompareAndSwap(0, int64(len(v)))
	if dim := e.Dim(); len(v) != dim {
		return fmt.Errorf("the endpoint sent a vector of %d numbers where %d were expected: check the model and its dimension", len(v), dim)
	}
	var sum float64
	for _, f := range v {
		sum += float64(f) * float64(f)
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return errors.New("the endpoint sent a vector with numbers that are none")
	}
	if sum == 0 {
		return nil
	}
	scale := 1 / math.Sqrt(sum)
	for i := range v {
		v[i] = float32(float64(v[i]) * scale)
	}
	return nil
}

// orderVectors puts the vectors of a reply in the order of their index: the
// library takes them as they come, and endpoints may send them in any order.
func orderVectors(x *exchange, body io.ReadCloser) io.ReadCloser {
	defer body.Close()
	ordered, err := readVectors(x, body)
	if err != nil {
		return failedBody{err}
	}
	return io.NopCloser(bytes.NewReader(ordered))
}

func readVectors(x *exchange, body io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, largestVectors+1))
	if err != nil {
		return nil, x.broke(err)
	}
	type vector struct {
		Index     *int            `json:"index"`
		Embedding json.RawMessage `json:"embedding"`
	}
	var reply struct {
		Data  []vector        `json:"data"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(raw, &reply); err != nil {
		return nil, x.broke(errors.New("the reply holds no vectors: check the address of the embedder"))
	}
	if len(reply.Error) > 0 && string(reply.Error) != "null" {
		return nil, x.reported(problemOf(reply.Error))
	}
	if len(reply.Data) != x.texts {
		return nil, x.broke(fmt.Errorf("the endpoint sent %d vectors for %d texts", len(reply.Data), x.texts))
	}
	ordered := make([]vector, len(reply.Data))
	for i, v := range reply.Data {
		at := i
		if v.Index != nil {
			at = *v.Index
		}
		if at < 0 || at >= len(ordered) || ordered[at].Embedding != nil {
			return nil, x.broke(fmt.Errorf("the endpoint sent a vector with the index %d, which is out of range or there twice", at))
		}
		ordered[at] = v
	}
	reply.Data = ordered
	return json.Marshal(reply)
}

// failedBody is a body that cannot be read.
type failedBody struct{ err error }

// Read implements io.Reader.
func (b failedBody) Read([]byte) (int, error) { return 0, b.err }

// Close implements io.Closer.
func (b failedBody) Close() error { return nil }
