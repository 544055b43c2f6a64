package api

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

type document struct {
	ID         cairn.DocumentID    `json:"id"`
	Version    cairn.Version       `json:"version"`
	State      cairn.CitationState `json:"state"`
	Source     string              `json:"source"`
	External   string              `json:"external_id"`
	Kind       cairn.Kind          `json:"kind"`
	Title      string              `json:"title"`
	URL        string              `json:"url"`
	Author     string              `json:"author"`
	Language   string              `json:"language"`
	Text       string              `json:"text"`
	Sections   []section           `json:"sections"`
	Updated    *time.Time          `json:"updated_at"`
	Attributes map[string]string   `json:"attributes"`
}

type section struct {
	Heading []string `json:"heading"`
	Start   int      `json:"start"`
	End     int      `json:"end"`
	Anchor  string   `json:"anchor"`
}

// getDocument answers GET /documents/{id}.
func (a *API) getDocument(c *gin.Context) error {
	values, err := params(c, "version")
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	aboutDocument(ctx, c.Param("id"))
	d, err := a.Store.Document(ctx, auth.FromContext(ctx).Viewer, cairn.DocumentID(c.Param("id")), cairn.Version(values["version"]))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).Shown(d.ID)
	out := document{
		ID: d.ID, Version: d.Version, State: d.State, Source: d.SourceName, External: d.External, Kind: d.Kind,
		Title: d.Title, URL: d.URL, Author: d.Author, Language: d.Language, Text: string(d.Body),
		Sections: make([]section, len(d.Sections)), Updated: moment(d.Modified), Attributes: table(d.Attributes),
	}
	for i, s := range d.Sections {
		out.Sections[i] = section{list(s.Heading), s.Start, s.End, s.Anchor}
	}
	return reply(c, http.StatusOK, out)
}

// aboutDocument notes which document a request is about, as far as that can be
// the id of one: what does not exist is noted like what may not be read.
func aboutDocument(ctx context.Context, id string) {
	if serverMade.MatchString(id) {
		audit.FromContext(ctx).About(audit.KindDocument, id)
	}
}

// serverMade matches the ids that the server gives.
var serverMade = regexp.MustCompile(`^[A-Z2-7]{26}$`)

type suggestion struct {
	Text string `json:"text"`
	Type string `json:"type"`
}

// suggest answers GET /suggest.
func (a *API) suggest(c *gin.Context) error {
	values, err := params(c, "q", "limit")
	if err != nil {
		return err
	}
	q := strings.TrimSpace(values["q"])
	if err := checkLength("q", q, 1, 200); err != nil {
		return err
	}
	limit, err := number(values, "limit", 8, 20)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	titles, err := a.Store.SuggestTitles(ctx, auth.FromContext(ctx).Viewer, q, limit)
	if err != nil {
		return err
	}
	out := make([]suggestion, len(titles))
	for i, t := range titles {
		out[i] = suggestion{t.Title, "title"}
		audit.FromContext(ctx).Shown(t.Document)
	}
	return reply(c, http.StatusOK, map[string][]suggestion{"suggestions": out})
}
