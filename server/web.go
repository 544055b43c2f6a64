package server

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

// web serves the built web UI: files below assets/ have their content's hash in
// the name and never change; index.html names them and is never cached.
type web struct {
	files fs.FS
}

func newWeb(files fs.FS) (*web, error) {
	if files == nil {
		return nil, nil
	}
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return nil, fmt.Errorf("the web UI is not built: %w", err)
	}
	return &web{files}, nil
}

// other answers what no route matches: the address with the token of local
// mode, files of the web UI, and its pages, which are all index.html.
func (s *Server) other(c *gin.Context) error {
	r := c.Request
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return cairn.ErrNotFound
	}
	if r.URL.Path == "/" && r.URL.Query().Has("token") {
		return s.enter(c)
	}
	if s.web == nil || reserved(r.URL.Path) {
		return cairn.ErrNotFound
	}
	return s.web.serve(c)
}

// enter turns the token in the printed address into a cookie and shows the page
// without it, so that it stays in no history and no Referer.
func (s *Server) enter(c *gin.Context) error {
	ok, err := s.cfg.Auth.SignInLocal(c.Writer, c.Request, c.Request.URL.Query().Get("token"))
	if err != nil {
		return err
	}
	if !ok {
		return cairn.Errorf(cairn.ErrUnauthenticated, "the token in the address is not valid; open the address that \"cairn serve\" printed last")
	}
	c.Redirect(http.StatusSeeOther, "/")
	return nil
}

// reserved reports whether a path belongs to the programs' surfaces, where a
// page would be a confusing answer.
func reserved(p string) bool {
	for _, prefix := range []string{"/api/", "/v1/", "/mcp", "/slack/", "/scim/", "/.well-known/"} {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return false
}

func (w *web) serve(c *gin.Context) error {
	name := strings.TrimPrefix(path.Clean("/"+c.Request.URL.Path), "/")
	info, err := fs.Stat(w.files, name)
	if name == "" || err != nil || info.IsDir() {
		if path.Ext(name) != "" {
			return cairn.ErrNotFound // a file that is not there, not a page
		}
		name = "index.html"
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "no-cache")
	switch {
	case name == "index.html":
		h.Set("Cache-Control", "no-store")
	case strings.HasPrefix(name, "assets/"):
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		h.Set("Content-Type", t)
	}
	h.Add("Vary", "Accept-Encoding")
	return w.send(c, name)
}

// send writes the file, compressed when the build left a compressed one beside
// it and the client takes it.
func (w *web) send(c *gin.Context, name string) error {
	for _, e := range []struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepts(c.Request.Header.Get("Accept-Encoding"), e.encoding) {
			continue
		}
		b, err := fs.ReadFile(w.files, name+e.suffix)
		if err != nil {
			continue
		}
		c.Writer.Header().Set("Content-Encoding", e.encoding)
		return write(c, b)
	}
	b, err := fs.ReadFile(w.files, name)
	if err != nil {
		return errors.Join(cairn.ErrNotFound, err)
	}
	return write(c, b)
}

func write(c *gin.Context, b []byte) error {
	c.Writer.Header().Set("Content-Length", strconv.Itoa(len(b)))
	c.Writer.WriteHeader(http.StatusOK) // gin presets 404 where no route matched
	if c.Request.Method == http.MethodHead {
		c.Writer.WriteHeaderNow()
		return nil
	}
	_, err := c.Writer.Write(b)
	return err
}

// accepts reports whether an Accept-Encoding header names an encoding without
// refusing it by q=0.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		q := strings.ReplaceAll(params, " ", "")
		return q != "q=0" && !strings.HasPrefix(q, "q=0.000") && q != "q=0.0" && q != "q=0.00"
	}
	return false
}
