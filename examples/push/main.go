// Command push mirrors an exported folder to a source of kind push.
//
//	CAIRN_URL=https://cairn.example.com CAIRN_TOKEN=cairn_... push FOLDER SOURCE
//
// FOLDER/index.json lists the documents. Whatever the source has and the list has not is
// erased. Exit code 0: the source is as the folder; 1: something failed, and standard error
// says what.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "push:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: push FOLDER SOURCE")
	}
	c, err := client.New(client.Config{URL: os.Getenv("CAIRN_URL"), Token: os.Getenv("CAIRN_TOKEN")})
	if err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(args[0], "index.json"))
	if err != nil {
		return err
	}
	m := mirror{client: c, folder: args[0], source: args[1], keep: map[string]bool{}}
	if err := json.Unmarshal(b, &m.entries); err != nil {
		return fmt.Errorf("index.json: %w; nothing was changed", err)
	}
	if len(m.entries) == 0 {
		return errors.New("the export is empty; nothing was changed")
	}
	return m.run(ctx)
}

// entry is a document as index.json has it.
type entry struct {
	ID, Title, File, URL, Author string
	Changed                      time.Time
	Labels                       map[string]string
	Space                        string   // whose members may read it, or "all"
	Restricted                   []string // addresses; missing: no restriction
	Barred                       []string
}

// acl returns who may read the document: one of every clause, and none of Deny.
func (e entry) acl() (*cairn.ACL, error) {
	acl := cairn.Allow(cairn.GroupKey(cairn.OwnDirectory, e.Space))
	switch e.Space {
	case "": // nobody knows who may read it, which never means everyone
		return nil, errors.New("nothing says who may read it")
	case "all":
		acl = cairn.Allow(cairn.Everyone)
	}
	if e.Restricted != nil {
		acl.Allow = append(acl.Allow, users(e.Restricted))
	}
	acl.Deny = users(e.Barred)
	return &acl, nil
}

func users(addresses []string) []cairn.PrincipalKey {
	keys := []cairn.PrincipalKey{}
	for _, a := range addresses {
		keys = append(keys, cairn.UserKey(a))
	}
	return keys
}

// push returns the document as it is sent.
func (e entry) push(folder string) (*client.Push, error) {
	acl, err := e.acl()
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(filepath.Join(folder, e.File))
	if err != nil {
		return nil, err
	}
	p := &client.Push{Title: e.Title, URL: e.URL, Author: e.Author, UpdatedAt: &e.Changed, Attributes: e.Labels, ACL: acl}
	switch filepath.Ext(e.File) {
	case ".txt":
		p.Text, p.MediaType = string(content), "text/plain"
	case ".md":
		p.Text, p.MediaType = string(content), "text/markdown"
	case ".html":
		p.Text, p.MediaType = string(content), "text/html"
	case ".pdf":
		p.Content, p.MediaType = content, "application/pdf"
	default:
		return nil, fmt.Errorf("what %s is cannot be told by its ending", e.File)
	}
	return p, nil
}

// mirror makes a source as a folder is.
type mirror struct {
	client         *client.Client
	folder, source string
	entries        []entry
	keep           map[string]bool // ids of the documents that stay
	failed         int
}

func (m *mirror) run(ctx context.Context) error {
	for r, err := range m.client.PutBatch(ctx, m.source, m.lines()) {
		if err != nil {
			return err
		}
		if r.Err != nil {
			m.fail(r.ID, r.Err)
		}
	}
	gone, known, err := m.gone(ctx)
	if err != nil {
		return err
	}
	if len(gone) > 3 && len(gone)*10 > known*3 && os.Getenv("CONFIRM") != "yes" {
		return fmt.Errorf("%d of %d documents would be erased: set CONFIRM=yes if that is right", len(gone), known)
	}
	for r, err := range m.client.PutBatch(ctx, m.source, slices.Values(gone)) {
		if err != nil {
			return err
		}
		if r.Err != nil && !errors.Is(r.Err, cairn.ErrNotFound) { // which somebody else has erased
			m.fail(r.ID, r.Err)
		}
	}
	fmt.Printf("%d documents, %d erased\n", len(m.keep), len(gone))
	if m.failed > 0 {
		return fmt.Errorf("%d documents failed", m.failed)
	}
	return nil
}

// lines yields what is to be sent.
func (m *mirror) lines() iter.Seq[client.BatchLine] {
	return func(yield func(client.BatchLine) bool) {
		for _, e := range m.entries {
			m.keep[e.ID] = true
			p, err := e.push(m.folder)
			if err != nil {
				m.fail(e.ID, err)
				continue
			}
			if !yield(client.BatchLine{ID: e.ID, Push: p}) {
				return
			}
		}
	}
}

// fail notes a document that could not be brought. Unless trying again may help it is not
// kept: what it was, and who might read that, is not true any more.
func (m *mirror) fail(id string, err error) {
	m.failed++
	fmt.Fprintf(os.Stderr, "%s: %v\n", id, err)
	if _, again := client.RetryAfter(err); !again {
		delete(m.keep, id)
	}
}

// gone returns lines that erase what the source has and the folder has not, and how many
// documents the source has.
func (m *mirror) gone(ctx context.Context) (lines []client.BatchLine, known int, err error) {
	list, err := m.listed(ctx)
	for _, d := range list.Items {
		if !m.keep[d.ExternalID] {
			lines = append(lines, client.BatchLine{ID: d.ExternalID, Delete: true})
		}
	}
	return lines, len(list.Items), err
}

// listed lists the source, again while the server is busy: PutBatch does so by itself.
func (m *mirror) listed(ctx context.Context) (client.List[client.PushedDocument], error) {
	for pause := time.Second; ; pause *= 2 {
		list, err := m.client.PushedDocuments(ctx, m.source, 0)
		least, again := client.RetryAfter(err)
		if !again || pause > time.Minute {
			return list, err
		}
		select {
		case <-time.After(max(pause, least)):
		case <-ctx.Done():
			return list, ctx.Err()
		}
	}
}
