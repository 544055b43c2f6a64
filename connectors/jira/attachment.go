package jira

import (
	"context"
	"io"
	"net/url"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/atlassian"
)

// attachmentsOf returns the attachments of an issue that are read.
func (s *Site) attachmentsOf(i issue) []attachment {
	var all []attachment
	if !s.cfg.Attachments {
		return nil
	}
	for _, a := range value[[]attachment](i, "attachment") {
		if a.ID != "" && s.cfg.takes(a) {
			all = append(all, a)
		}
	}
	return all
}

// externalOf returns the external id of an attachment: issues have numbers, too.
func externalOf(a attachment) string { return "attachment-" + string(a.ID) }

// keptFiles are the attachments that may belong to comments which not all may read.
type keptFiles struct {
	all   bool
	names map[string]bool
}

// kept finds out which attachments of an issue those are. Jira does not tell to which
// comment an attachment belongs; the comment has its name, as a rule. Where it has none
// that an attachment bears, it may be any of them. An error concerns the site.
func (s *Site) kept(ctx context.Context, p project, i issue) (keptFiles, error) {
	_, comments, err := s.commentsOf(ctx, p, i)
	if err != nil {
		if atlassian.ConcernsOne(err) {
			return keptFiles{all: true}, nil
		}
		return keptFiles{}, err
	}
	there := map[string]bool{}
	for _, a := range value[[]attachment](i, "attachment") {
		there[a.Filename] = true
	}
	kept := keptFiles{names: map[string]bool{}}
	for _, c := range comments {
		for _, name := range s.api.shows(c.Body) {
			kept.names[name] = true
			kept.all = kept.all || !there[name]
		}
	}
	return kept, nil
}

func (s *Site) attachmentMetadata(p project, i issue, a attachment) connectors.Metadata {
	m := connectors.Metadata{
		Title: a.Filename, MediaType: a.MimeType, Filename: a.Filename, Size: a.Size, Created: atlassian.Moment(a.Created), Modified: atlassian.Moment(a.Created),
		URL:    s.cfg.Web + "/secure/attachment/" + url.PathEscape(string(a.ID)) + "/" + url.PathEscape(a.Filename),
		Parent: i.ID, Attributes: attributes(p),
	}
	m.Attributes["key"], m.Attributes["type"] = i.Key, "attachment"
	if a.Author != nil {
		m.Author = a.Author.DisplayName
	}
	m.Revision = string(a.ID) + "-" + atlassian.Digest(a.Filename, m.URL, i.ID, i.Key)
	return m
}

func (s *Site) attachmentOpener(a attachment) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		r := s.api.download(a)
		r.MaxBytes = s.cfg.MaxSize
		return s.client.Open(ctx, r)
	}
}
