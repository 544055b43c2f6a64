package mcp

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// maxText is how many bytes of a document are read at once: about 16,000 tokens.
const maxText = 64 << 10

type fetchInput struct {
	ID string `json:"id" jsonschema:"id of a document, or of a part of one, from search, ask or search_code"`
}

type fetchOutput struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Text     string            `json:"text"`
	URL      string            `json:"url"`
	Metadata map[string]string `json:"metadata"`
}

// fetch answers the tool fetch.
func (s *Server) fetch(ctx context.Context, u *use, in fetchInput) (fetchOutput, string, error) {
	id, offset, err := parsePart(in.ID)
	if err != nil {
		return fetchOutput{}, "", err
	}
	aboutDocument(ctx, id)
	d, err := s.cfg.Store.Document(ctx, u.viewer(), id, "")
	if err != nil {
		return fetchOutput{}, "", err
	}
	audit.FromContext(ctx).Shown(d.ID)
	out := fetchOutput{ID: in.ID, Title: d.Title, URL: u.link(d.URL, d.ID), Metadata: map[string]string{
		"source": d.SourceName, "kind": string(d.Kind), "version": string(d.Version),
	}}
	put := func(name, value string) {
		if value != "" {
			out.Metadata[name] = value
		}
	}
	put("author", d.Author)
	if !d.Modified.IsZero() {
		put("updated_at", d.Modified.UTC().Format(time.RFC3339))
	}
	for _, name := range []string{"repo", "path", "commit"} {
		put(name, d.Attributes[name])
	}
	start, end := 0, len(d.Body)
	if len(d.Body) > maxText {
		start = runeStart(d.Body, min(offset, len(d.Body)))
		end = lineEnd(d.Body, start, maxText)
		put("bytes", strconv.Itoa(start)+"-"+strconv.Itoa(end)+" of "+strconv.Itoa(len(d.Body)))
		if end < len(d.Body) {
			put("next_id", string(d.ID)+":"+strconv.Itoa(end))
		}
		if start > 0 {
			put("previous_id", partOf(d.ID, max(0, start-maxText)))
		}
		out.URL = u.link(sectionURL(d, start), d.ID)
	}
	out.Text = string(d.Body[start:end])
	return out, "", nil
}

// partOf returns the id of a document from a byte on.
func partOf(id cairn.DocumentID, offset int) string {
	if offset == 0 {
		return string(id)
	}
	return string(id) + ":" + strconv.Itoa(offset)
}

// parsePart reads what partOf returns.
func parsePart(s string) (cairn.DocumentID, int, error) {
	if err := given("id", s, 100); err != nil {
		return "", 0, err
	}
	id, part, found := strings.Cut(s, ":")
	if !found {
		return cairn.DocumentID(id), 0, nil
	}
	offset, err := strconv.Atoi(part)
	if err != nil || offset < 0 {
		return "", 0, cairn.Errorf(cairn.ErrInvalid, "%q is no id; take one from search", s)
	}
	return cairn.DocumentID(id), offset, nil
}
