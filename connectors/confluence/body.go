package confluence

import (
	"context"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/cairnhq/cairn/connectors/confluence/storage"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// pageOpener opens a page as HTML: its text, and its comments behind it.
func (s *Site) pageOpener(d document) func(context.Context) (io.ReadCloser, error) {
	p := d.page
	return func(ctx context.Context) (io.ReadCloser, error) {
		text, err := s.api.body(ctx, p)
		if err != nil {
			return nil, product.OfDocument(err)
		}
		var comments []comment
		if p.commented {
			if comments, err = s.api.comments(ctx, p); err != nil {
				return nil, product.OfDocument(err)
			}
		}
		if err := s.learnNames(ctx, text, comments); err != nil {
			return nil, err
		}
		return io.NopCloser(strings.NewReader(s.html(p, text, comments))), nil
	}
}

// learnNames asks what the people are called who are mentioned or have commented.
func (s *Site) learnNames(ctx context.Context, text string, comments []comment) error {
	ids := storage.Mentions(text)
	for _, c := range comments {
		ids = append(append(ids, c.author), storage.Mentions(c.body)...)
	}
	if err := s.names.learn(ctx, ids...); err != nil && !atlassian.ConcernsOne(err) {
		return err
	}
	return nil
}

// html returns a page with its comments.
func (s *Site) html(p *page, text string, comments []comment) string {
	opts := storage.Options{Name: func(id string) string { return s.names.of(id).name }}
	if s.cfg.Cloud {
		opts.Anchor = storage.CloudAnchor
	} else {
		opts.Anchor = storage.DataCenterAnchor(p.title)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>%s</title></head><body><main>\n", html.EscapeString(p.title))
	out.WriteString(storage.HTML(text, opts))
	opts.Anchor = nil // headings of comments are none of the page
	for i, c := range comments {
		if i == 0 {
			out.WriteString("\n<h1>Comments</h1>\n")
		}
		heading := s.names.of(c.author).name
		if heading == "" {
			heading = "Comment"
		}
		if !c.created.IsZero() {
			heading += ", " + c.created.Format("2006-01-02")
		}
		out.WriteString(atlassian.Comment(s.link(p.web), c.id, heading, s.cfg.Cloud))
		if c.quote != "" {
			fmt.Fprintf(&out, "<blockquote>%s</blockquote>\n", html.EscapeString(c.quote))
		}
		out.WriteString(storage.HTML(c.body, opts))
		out.WriteString("</article>\n")
	}
	out.WriteString("\n</main></body></html>\n")
	return out.String()
}

func (s *Site) attachmentOpener(a *attachment) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		r := s.api.download(a)
		r.MaxBytes = s.cfg.MaxSize
		return s.client.Open(ctx, r)
	}
}
