package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// pushRequest is a document that a program brings.
type pushRequest struct {
	Title      string     `json:"title"`
	URL        string     `json:"url"`
	Text       *string    `json:"text"`
	Content    content    `json:"content_base64"`
	MediaType  string     `json:"media_type"`
	Author     string     `json:"author"`
	Updated    time.Time  `json:"updated_at"`
	Attributes attributes `json:"attributes"`
	ACL        givenACL   `json:"acl"`
}

// givenACL is the ACL of a document that brings one.
type givenACL struct{ *wireACL }

// UnmarshalJSON reads an ACL. A program that sends null may have failed to find out who
// may read a document: that opens it to nobody, and is an ErrInvalid.
func (g *givenACL) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return cairn.Errorf(cairn.ErrInvalid, `"acl" is null, which says nothing of who may read the document: leave it out where the source's is to hold`)
	}
	g.wireACL = &wireACL{}
	return g.wireACL.UnmarshalJSON(b)
}

// attributes are strings by name.
type attributes map[string]string

// UnmarshalJSON reads an object of strings; null is nil. Errors are ErrInvalid.
func (a *attributes) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*map[string]string)(a)); err != nil {
		return cairn.Errorf(cairn.ErrInvalid, `"attributes" are strings by name, as in {"team": "sales", "year": "2026"}`)
	}
	return nil
}

type pushResponse struct {
	ID      cairn.DocumentID `json:"id"`
	Version cairn.Version    `json:"version"`
}

const maxExternal = 1024 // characters of a caller's own id

// putDocument answers PUT /sources/{name}/documents.
func (a *API) putDocument(c *gin.Context) error {
	external, err := externalID(c)
	if err != nil {
		return err
	}
	if err := unconditional(c); err != nil {
		return err
	}
	s, err := a.writable(c)
	if err != nil {
		return err
	}
	leave, err := a.uploads.enter(c)
	if err != nil {
		return err
	}
	defer leave()
	b, err := body(c, maxUpload, readUpload, "application/json", false)
	if err != nil {
		return err
	}
	var req pushRequest
	if err := unmarshal(b, &req); err != nil {
		return err
	}
	pushed, err := a.put(c.Request.Context(), s, external, req)
	if err != nil {
		return err
	}
	audit.FromContext(c.Request.Context()).About(audit.KindDocument, string(pushed.ID))
	status := http.StatusOK
	if pushed.Created {
		status = http.StatusCreated
	}
	return reply(c, status, pushResponse{pushed.ID, pushed.Version})
}

type pushedDocument struct {
	External string           `json:"external_id"`
	ID       cairn.DocumentID `json:"document_id"`
}

// listPushed answers GET /sources/{name}/documents: the names of what is there, so that
// a program finds what it has to delete. It shows nothing of what is in a document.
func (a *API) listPushed(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	s, err := a.writable(c)
	if err != nil {
		return err
	}
	documents, next, err := a.Store.ListPushed(c.Request.Context(), s.ID, p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Documents []pushedDocument `json:"documents"`
		Next      *string          `json:"next_cursor"`
	}{mapped(documents, func(d PushedDocument) pushedDocument { return pushedDocument(d) }), after(next)})
}

// unconditional refuses conditions on what is stored, which programs would think were kept.
func unconditional(c *gin.Context) error {
	for _, name := range []string{"If-Match", "If-None-Match", "If-Unmodified-Since"} {
		if c.Request.Header.Get(name) != "" {
			return cairn.Errorf(cairn.ErrInvalid, "%s is not supported: the last request wins. Send requests of one document one after the other, without it", name)
		}
	}
	return nil
}

// deleteDocument answers DELETE /sources/{name}/documents.
func (a *API) deleteDocument(c *gin.Context) error {
	external, err := externalID(c)
	if err != nil {
		return err
	}
	if err := unconditional(c); err != nil {
		return err
	}
	s, err := a.writable(c)
	if err != nil {
		return err
	}
	if err := a.Push.Delete(c.Request.Context(), s.ID, external); err != nil {
		return err
	}
	return noContent(c)
}

func (a *API) put(ctx context.Context, s cairn.Source, external string, req pushRequest) (ingest.Pushed, error) {
	p, err := req.toPush(external)
	if err != nil {
		return ingest.Pushed{}, err
	}
	return a.Push.Put(ctx, s.ID, p)
}

func externalID(c *gin.Context) (string, error) {
	values, err := params(c, "id")
	if err != nil {
		return "", err
	}
	return values["id"], checkLength("id", values["id"], 1, maxExternal)
}

// writable returns the source in the path when the caller may push to it:
// administrators and the accounts in its setting "writers" (e-mail addresses or
// ids, parted by commas or blanks). For others it does not exist. It is asked again
// while the request goes on.
func (a *API) writable(c *gin.Context) (cairn.Source, error) {
	ctx, name := c.Request.Context(), c.Param("name")
	s, err := a.sourceFor(ctx, auth.FromContext(ctx), name)
	if err != nil {
		return cairn.Source{}, err
	}
	server.PermitWhile(c, func(ctx context.Context, id auth.Identity) error {
		_, err := a.sourceFor(ctx, id, name)
		return err
	})
	audit.FromContext(ctx).About(audit.KindSource, string(s.ID))
	kind, err := a.Kinds.Lookup(s.Kind)
	if err != nil {
		return cairn.Source{}, err
	}
	if !kind.Pushed {
		return cairn.Source{}, cairn.Errorf(cairn.ErrInvalid, "%s is a source of kind %s, which reads its documents itself; push to one of kind push", s.Name, s.Kind)
	}
	return s, nil
}

// sourceFor returns the source of a name when somebody may push to it; else ErrNotFound.
func (a *API) sourceFor(ctx context.Context, id auth.Identity, name string) (cairn.Source, error) {
	s, err := a.Store.SourceNamed(ctx, name)
	if err != nil {
		return cairn.Source{}, err
	}
	if id.Account.Role != cairn.RoleAdmin && !writes(id.Account, s.Settings["writers"]) {
		return cairn.Source{}, cairn.ErrNotFound
	}
	return s, nil
}

// writes reports whether an account is among the writers of a source.
func writes(account cairn.Account, writers string) bool {
	return slices.ContainsFunc(namesOfWriters(writers), func(name string) bool {
		email, ok := cairn.FoldAddress(name)
		return ok && email == account.Email || strings.EqualFold(name, string(account.ID))
	})
}

func namesOfWriters(writers string) []string {
	return strings.FieldsFunc(writers, func(r rune) bool { return strings.ContainsRune(", \t\n;", r) })
}

// testWriters looks whether those who may push to a source are there: whoever is misspelt
// is told that there is no such source.
func (a *API) testWriters(ctx context.Context, s cairn.Source) (string, error) {
	names := namesOfWriters(s.Settings["writers"])
	for _, name := range names {
		account, err := a.account(ctx, name)
		switch {
		case errors.Is(err, cairn.ErrNotFound):
			return "", cairn.Errorf(cairn.ErrInvalid, "%q in the setting writers has no account: correct it, or add it with cairn user add", name)
		case err != nil:
			return "", err
		case account.Disabled:
			return "", cairn.Errorf(cairn.ErrInvalid, "the account of %q in the setting writers is disabled", name)
		}
	}
	return fmt.Sprintf("programs bring its documents, with a token of scope write: of an administrator, or of %d writers", len(names)), nil
}

// toPush checks the request.
func (r pushRequest) toPush(external string) (ingest.Push, error) {
	p := ingest.Push{
		External: external, Title: strings.TrimSpace(r.Title), URL: r.URL, MediaType: r.MediaType, Author: r.Author,
		Modified: r.Updated.UTC(), Attributes: r.Attributes,
	}
	for _, f := range []struct {
		name, text  string
		least, most int
	}{{"title", r.Title, 1, 1000}, {"url", r.URL, 0, 4000}, {"author", r.Author, 0, 400}, {"media_type", r.MediaType, 0, 200}} {
		if err := checkLength(f.name, f.text, f.least, f.most); err != nil {
			return ingest.Push{}, err
		}
	}
	if err := checkLink(r.URL); err != nil {
		return ingest.Push{}, err
	}
	if len(r.Attributes) > 100 {
		return ingest.Push{}, cairn.Errorf(cairn.ErrInvalid, "a document may have 100 attributes")
	}
	if r.ACL.wireACL != nil {
		acl, err := r.ACL.checked()
		if err != nil {
			return ingest.Push{}, err
		}
		p.ACL = &acl
	}
	switch {
	case (r.Text == nil) == (r.Content == nil):
		return ingest.Push{}, cairn.Errorf(cairn.ErrInvalid, "give either \"text\" or \"content_base64\" with \"media_type\"")
	case r.Text != nil:
		p.Text = *r.Text
		if strings.TrimSpace(p.Text) == "" {
			return ingest.Push{}, cairn.Errorf(cairn.ErrInvalid, "\"text\" is empty; delete the document instead")
		}
	case len(r.Content) == 0:
		return ingest.Push{}, cairn.Errorf(cairn.ErrInvalid, "\"content_base64\" is empty; delete the document instead")
	case r.MediaType == "":
		return ingest.Push{}, cairn.Errorf(cairn.ErrInvalid, "\"content_base64\" needs \"media_type\", such as application/pdf")
	default:
		p.Content = r.Content
	}
	return p, nil
}

// checkLink refuses addresses that a browser would run instead of opening.
func checkLink(link string) error {
	if link == "" {
		return nil
	}
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return cairn.Errorf(cairn.ErrInvalid, "\"url\" must begin with http:// or https://")
	}
	return nil
}
