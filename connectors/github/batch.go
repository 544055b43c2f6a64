package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/cairnhq/cairn/connectors"
)

// batchThreads is how many threads are fetched with one query.
const batchThreads = 10

// batch are the threads of one page of changes. The first one that is opened brings the
// next ones along: whoever reads one reads the others, mostly, and in their order. It may
// be used by several goroutines at once.
type batch struct {
	source     *source
	repository string
	numbers    []int
	fragments  map[int]fragment // what is read of each

	mu      sync.Mutex
	asked   map[int]bool
	fetched map[int]fetched // and not yet opened
}

type fetched struct {
	thread *thread
	err    error
}

// add adds a thread and returns how to open it. anchor is that of its first post.
func (b *batch) add(f fragment, number int, anchor, repository string) func(context.Context) (io.ReadCloser, error) {
	if b.fragments == nil {
		b.fragments = map[int]fragment{}
	}
	b.numbers, b.fragments[number] = append(b.numbers, number), f
	return func(ctx context.Context) (io.ReadCloser, error) {
		t, err := b.open(ctx, number)
		if err != nil {
			return nil, err
		}
		if err := b.source.complete(ctx, t); err != nil {
			return nil, ofThread(err)
		}
		return io.NopCloser(bytes.NewReader(render(repository, anchor, t))), nil
	}
}

// open returns a thread, which is fetched unless it was brought along before. What was
// is given out once: who opens a thread again wants it as it is then.
func (b *batch) open(ctx context.Context, number int) (*thread, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if f, ok := b.fetched[number]; ok {
		delete(b.fetched, number)
		return f.thread, f.err
	}
	wanted := b.next(number)
	got, err := b.fetch(ctx, wanted)
	if err != nil && len(wanted) > 1 && !passing(err) { // too much for GitHub at once, maybe
		got, err = b.fetch(ctx, []int{number})
	}
	if err != nil {
		return nil, ofThread(err)
	}
	f := got[number]
	delete(got, number)
	b.fetched = got
	return f.thread, f.err
}

// passing reports whether an error concerns more than what was asked for.
func passing(err error) bool {
	return errors.Is(err, connectors.ErrUnauthorized) || errors.Is(err, connectors.ErrRateLimited) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// next returns a number with those behind it that were not asked for yet.
func (b *batch) next(number int) []int {
	if b.asked == nil {
		b.asked = map[int]bool{}
	}
	wanted := []int{number}
	b.asked[number] = true
	for _, n := range b.numbers[max(slices.Index(b.numbers, number), 0):] {
		if len(wanted) == batchThreads {
			break
		}
		if !b.asked[n] {
			b.asked[n] = true
			wanted = append(wanted, n)
		}
	}
	return wanted
}

// fetch asks for threads by their numbers.
func (b *batch) fetch(ctx context.Context, numbers []int) (map[int]fetched, error) {
	variables := map[string]any{"repository": b.repository}
	fragments := make([]fragment, len(numbers))
	for i, n := range numbers {
		variables[fmt.Sprintf("n%d", i)] = n
		fragments[i] = b.fragments[n]
	}
	const what = "documents of a repository"
	found, failed, _, err := query[struct{ Node map[string]*thread }](ctx, b.source.api, what, threadsQuery(fragments), variables)
	if err != nil {
		return nil, err
	}
	if found.Node == nil {
		return nil, &connectors.Error{Kind: connectors.ErrNotFound, Message: b.source.client.Host() + " has lost a repository while it was read"}
	}
	out := map[int]fetched{}
	for i, n := range numbers {
		field := fmt.Sprintf("d%d", i)
		out[n] = fetched{found.Node[field], wrongWith(failed, field)}
		if f := out[n]; f.err == nil && (f.thread == nil || f.thread.Typename == "") { // or it has become something else
			out[n] = fetched{nil, vanished}
		}
	}
	return out, nil
}

// threadsQuery is the query for threads, of which each is read as a fragment says. What is
// not asked for costs no points.
func threadsQuery(threads []fragment) string {
	var parameters, fields, fragments strings.Builder
	for i, f := range threads {
		fmt.Fprintf(&parameters, ", $n%d: Int!", i)
		fmt.Fprintf(&fields, "d%d: %s(number: $n%d) {...%s} ", i, f.field, i, f.name)
		if slices.Index(threads, f) == i {
			fragments.WriteString(f.text)
		}
	}
	return "query($repository: ID!" + parameters.String() + ") { node(id: $repository) { ... on Repository { " + fields.String() + "} } }" + fragments.String()
}

var (
	vanished   = &connectors.DocumentError{Code: "vanished", Reason: "The document was removed before it could be read."}
	unreadable = &connectors.DocumentError{Code: "unreadable", Reason: "GitHub does not give out this document, or a part of it."}
)

// wrongWith returns what the errors of a reply say of one of its fields.
func wrongWith(failed []graphQLError, field string) error {
	for _, e := range failed {
		if len(e.Path) < 2 || e.Path[1] != field {
			continue
		}
		if e.Type == "NOT_FOUND" && len(e.Path) == 2 {
			return vanished
		}
		return unreadable
	}
	return nil
}

// ofThread makes failures that concern one document those of a document.
func ofThread(err error) error {
	switch {
	case errors.Is(err, connectors.ErrNotFound):
		return &connectors.DocumentError{Code: vanished.Code, Reason: vanished.Reason, Err: err}
	case errors.Is(err, connectors.ErrForbidden), errors.Is(err, connectors.ErrUnexpected):
		return &connectors.DocumentError{Code: unreadable.Code, Reason: unreadable.Reason, Err: err}
	case errors.Is(err, connectors.ErrTooLarge):
		return &connectors.DocumentError{Code: "too_large", Reason: "The document is larger than what is read of one.", Err: err}
	}
	return err
}
