package web

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// accepted are the media types that become documents.
const accepted = "text/html,application/xhtml+xml,application/pdf,text/plain,text/markdown,text/csv,*/*;q=0.5"

// isNowhere is the remote.Config.Follow of a client that follows no redirect.
func isNowhere(*url.URL) bool { return false }

// do sends a request, when no other is under way.
func (s *Site) do(ctx context.Context, r remote.Request) (*remote.Response, error) {
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("ask %s: %w", s.client.Host(), context.Cause(ctx))
	case s.turn <- struct{}{}:
	}
	defer func() { <-s.turn }()
	return s.client.Do(ctx, r)
}

// get reads something that is no page, and follows redirects within the site.
func (s *Site) get(ctx context.Context, at, what string, limit int64) (*remote.Response, error) {
	for range maxHops {
		res, err := s.do(ctx, remote.Request{Path: at, What: what, MaxBytes: limit, Header: http.Header{"Accept": {"*/*"}}})
		if err != nil || res.Status < 300 {
			return res, err
		}
		to, ok := s.normal.link(res.URL, res.Header.Get("Location"))
		if !ok || originOf(to) != s.origin {
			return nil, &connectors.Error{Kind: connectors.ErrUnexpected, Status: res.Status, Message: s.client.Host() +
				" leads to another site when asked for " + what + ": check the address in the setting url, such as whether it begins with https:// and www"}
		}
		at = to
	}
	return nil, &connectors.Error{Kind: connectors.ErrUnexpected, Message: s.client.Host() + " leads in a circle when asked for " + what}
}

// visit asks for a page, unless this crawl has. An error ends the crawl.
func (s *Site) visit(ctx context.Context, c *crawl, t target) (visited, error) {
	p := s.state.Pages[t.at]
	if p == nil {
		p = &page{}
		s.state.Pages[t.at] = p
	}
	v := visited{at: t.at, page: p}
	if ctx.Err() != nil {
		return v, fmt.Errorf("read %s: %w", s.client.Host(), context.Cause(ctx))
	}
	if asked := p.Crawl == c.id; asked && (!c.everything || !p.confirmed) {
		return v, nil
	}
	lastmod := c.lastmod[t.at]
	if s.trustLastmod && !c.everything && lastmod != "" && lastmod == p.Lastmod && p.Is == document && !p.failed() {
		p.Crawl, p.Seq = c.id, 0
		return v, nil
	}
	res, err := s.do(ctx, s.request(t.at, p, c.everything))
	if ctx.Err() != nil {
		return v, err
	}
	if failed := s.note(c, t.at, p, res, err); failed != nil {
		return v, failed
	}
	if err := s.checkStart(t, p, err); err != nil {
		return v, err
	}
	if c.streak = c.streak + 1; p.Code != unavailable {
		c.streak = 0
	}
	if c.streak >= maxStreak {
		return v, err
	}
	p.Crawl, p.Seq, p.Lastmod = c.id, 0, lastmod
	return v, nil
}

// request asks for a page, on the condition that it is another than is known.
func (s *Site) request(at string, p *page, everything bool) remote.Request {
	header := http.Header{"Accept": {accepted}}
	if !everything && (p.Is == document || p.Is == alias || p.Is == silent || p.Is == other) {
		if p.ETag != "" {
			header.Set("If-None-Match", p.ETag)
		}
		if p.LastModified != "" {
			header.Set("If-Modified-Since", p.LastModified)
		}
	}
	what := "a page"
	if s.scope.starts[at] {
		what = "the start page"
	}
	return remote.Request{Path: at, What: what, MaxBytes: s.maxSize, Header: header}
}

// Codes of pages that could not be read.
const (
	unavailable = "unavailable"
	unreadable  = "unreadable"
	tooLarge    = "too_large"
	elsewhere   = "leads_elsewhere"
	// refused is that of a page that Cairn may not see, or not any more: what it was before
	// is shown to nobody.
	refused = connectors.PermissionsNotUnderstood
)

// note takes over what was replied for a page. It returns the errors that do not
// concern this page alone.
func (s *Site) note(c *crawl, at string, p *page, res *remote.Response, err error) error {
	var told *connectors.Error
	switch {
	case err == nil && res.Status < 300:
		s.read(c, at, p, res)
	case err == nil && res.Status == http.StatusNotModified && p.Is != unknown:
		p.confirmed = true
		p.ETag = cmp.Or(res.Header.Get("ETag"), p.ETag)
		p.Code, p.Reason, p.Away = "", "", false
		if p.Is != alias {
			p.To = ""
		}
	case err == nil && res.Status != http.StatusNotModified:
		s.redirected(at, p, res)
	case errors.Is(err, connectors.ErrNotFound):
		*p = page{Is: gone, Document: p.Document}
	case errors.Is(err, connectors.ErrTooLarge):
		s.fail(p, tooLarge, fmt.Sprintf("The page has more than %d bytes, which the setting max_size of this source allows.", s.maxSize))
	case errors.Is(err, connectors.ErrUnauthorized), errors.Is(err, connectors.ErrForbidden):
		s.fail(p, refused, "The site does not let Cairn read this page: what it was before is shown to nobody. Its robot needs a user or token, or the page is to be left out by exclude.")
	case errors.Is(err, connectors.ErrUnavailable):
		s.fail(p, unavailable, "The site could not answer with this page. What was read of it before is kept.")
	case err == nil || errors.As(err, &told) && told.Status >= 300:
		s.fail(p, unreadable, "The site answered something unexpected for this page. What was read of it before is kept.")
	default:
		return err
	}
	return nil
}

// fail notes that a page could not be read; what is known of it stays.
func (s *Site) fail(p *page, code, reason string) {
	if !p.failed() || p.Since.IsZero() {
		p.Since = s.env.Now()
	}
	p.Code, p.Reason, p.Away = code, reason, false
}

// redirected takes over where a page leads.
func (s *Site) redirected(at string, p *page, res *remote.Response) {
	base, _ := url.Parse(at)
	to, ok := s.normal.link(base, res.Header.Get("Location"))
	if !ok || to == at {
		s.fail(p, unreadable, "The site leads from this page to nowhere, or to itself.")
		return
	}
	permanent := res.Status == http.StatusMovedPermanently || res.Status == http.StatusPermanentRedirect
	if permanent || p.Away && s.env.Now().Sub(p.Since) > movedAfter {
		*p = page{Is: moved, To: to, Document: p.Document}
		return
	}
	s.fail(p, elsewhere, "The site leads from this page to another one for a time. What was read of it before is kept.")
	p.Away, p.To = true, to
}

// checkStart returns an error when a start page leads nowhere: then nothing is known of
// the site.
func (s *Site) checkStart(t target, p *page, err error) error {
	if !s.scope.starts[t.at] {
		return nil
	}
	host := s.client.Host()
	switch {
	case errors.Is(err, connectors.ErrUnauthorized) && s.user == "":
		return &connectors.Error{Kind: connectors.ErrUnauthorized, Status: http.StatusUnauthorized, Message: host +
			" asks to sign in for the start page: give the source a user and the secret password, or the secret token, as the site wants it"}
	case err != nil:
		return err
	case p.To != "" && originOf(p.To) != s.origin:
		return &connectors.Error{Kind: connectors.ErrUnexpected, Message: host + " leads from the start page to " + originOf(p.To) +
			": if that is the site, give its address in the setting url"}
	case p.To != "" && !s.scope.holds(p.To):
		return &connectors.Error{Kind: connectors.ErrUnexpected, Message: host +
			" leads from the start page to an address that is not read: correct the settings url, include and exclude"}
	case p.failed() && !p.Away:
		return &connectors.Error{Kind: connectors.ErrUnexpected, Message: host + " has no start page: " + p.Reason}
	}
	return nil
}

// read takes over a page.
func (s *Site) read(c *crawl, at string, p *page, res *remote.Response) {
	mediaType := strings.ToValidUTF8(res.Header.Get("Content-Type"), "")
	if mediaType == "" {
		mediaType = http.DetectContentType(res.Body)
		res.Header.Set("Content-Type", mediaType)
	}
	kind, _, err := mime.ParseMediaType(mediaType)
	if err != nil && kind == "" {
		kind = http.DetectContentType(res.Body)
	}
	body := res.Body
	if !isPage(kind) {
		body = nil
	}
	base, _ := url.Parse(at)
	told := s.normal.readPage(base, res.Header, body)
	sum := sha256.Sum256(append([]byte(mediaType+"\x00"), res.Body...))
	fresh := page{
		Is: document, ETag: res.Header.Get("ETag"), LastModified: res.Header.Get("Last-Modified"), MediaType: mediaType,
		Revision: hex.EncodeToString(sum[:16]), Size: int64(len(res.Body)), Document: p.Document,
	}
	for _, link := range told.links {
		if originOf(link) == s.origin && !told.nofollow {
			fresh.Links = append(fresh.Links, s.state.link(link))
		}
	}
	switch {
	case told.noindex:
		fresh.Is = silent
	case told.canonical != "" && told.canonical != at && s.wants(c, told.canonical):
		fresh.Is, fresh.To = alias, told.canonical
	case !isReadable(kind, at):
		fresh.Is = other
	}
	if (fresh.Is == document || fresh.Is == alias) && (c.everything || !p.Document || fresh.Revision != p.Revision) {
		s.state.bodies.keep(at, fresh.Revision, res.Body)
	}
	*p = fresh
}
