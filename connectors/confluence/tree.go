package confluence

import (
	"context"
	"errors"
	"slices"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// tree knows who may read what is in a space: whoever may view the space, and is let in
// by the restrictions of the content and of each of its ancestors. That is a clause for
// the space and one for each of them that is restricted.
type tree struct {
	api     api
	viewers []cairn.PrincipalKey
	unknown error // why the viewers are not known
	nodes   map[string]*node
}

// node is a content of the tree.
type node struct {
	parent  ref
	readers *readers // nil: not asked yet
	state   state
	clauses [][]cairn.PrincipalKey // its own and its ancestors'
	unknown error                  // why they are not known
}

type state int

const (
	untouched state = iota
	climbing        // its ancestors are being looked at
	done
)

// errCircle is why the readers of a content are unknown that is its own ancestor.
var errCircle = errors.New("the ancestors of the page form a circle")

// newTree reads who may view a space. An error concerns the site; that nobody can tell
// who may view this space is kept.
func newTree(ctx context.Context, a api, sp space) (*tree, error) {
	t := &tree{api: a, nodes: map[string]*node{}}
	viewers, err := a.viewers(ctx, sp)
	if err != nil && !atlassian.ConcernsOne(err) {
		return nil, err
	}
	t.viewers, t.unknown = viewers, err
	return t, nil
}

// add puts a page into the tree.
func (t *tree) add(p *page) { t.nodes[p.id] = &node{parent: p.parent, readers: p.readers} }

// acl returns who may read a page. unknown says why that cannot be told; err concerns
// the site.
func (t *tree) acl(ctx context.Context, p *page) (acl cairn.ACL, unknown, err error) {
	if t.unknown != nil {
		return cairn.ACL{}, t.unknown, nil
	}
	n, err := t.climb(ctx, ref{id: p.id})
	if err != nil || n.unknown != nil {
		return cairn.ACL{}, n.unknown, err
	}
	return cairn.ACL{Allow: append([][]cairn.PrincipalKey{t.viewers}, n.clauses...)}.Canonical(), nil, nil
}

// climb returns the node of a content with its clauses. It goes up first and comes down
// then, so that no depth is too deep for it.
func (t *tree) climb(ctx context.Context, r ref) (*node, error) {
	var path []*node
	var above *node
	for at := r; at.id != ""; {
		n, err := t.node(ctx, at)
		if err != nil {
			return &node{}, err
		}
		if n.state == climbing {
			n.unknown, n.state = errCircle, done
		}
		if n.state == done {
			above = n
			break
		}
		n.state = climbing
		path = append(path, n)
		if n.unknown != nil {
			break
		}
		at = n.parent
	}
	for _, n := range slices.Backward(path) {
		n.settle(above)
		above = n
	}
	return above, nil
}

// settle computes the clauses of a node, given those of the node above; nil is the top.
func (n *node) settle(above *node) {
	n.state = done
	if above != nil && n.unknown == nil {
		n.unknown = above.unknown
		n.clauses = above.clauses
	}
	if n.unknown == nil && n.readers.restricted {
		n.clauses = append(slices.Clip(n.clauses), n.readers.keys)
	}
}

// node returns the node of a content, and asks for what the listing did not tell.
func (t *tree) node(ctx context.Context, r ref) (*node, error) {
	n := t.nodes[r.id]
	if n == nil {
		n = &node{}
		t.nodes[r.id] = n
		if n.parent, n.unknown = t.api.parent(ctx, r); n.unknown != nil && !atlassian.ConcernsOne(n.unknown) {
			return nil, n.unknown
		}
	}
	if n.readers == nil && n.unknown == nil {
		told, err := t.api.readers(ctx, r.id)
		if err != nil && !atlassian.ConcernsOne(err) {
			return nil, err
		}
		n.readers, n.unknown = &told, err
	}
	return n, nil
}
