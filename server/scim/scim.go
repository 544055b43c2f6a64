package scim

import (
	"context"
	_ "embed" // openapi.yaml
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
)

// Config is what the service works with.
type Config struct {
	Store Store
	// BaseURL is the scheme and host under which providers reach the server; empty:
	// that of each request.
	BaseURL string
	// Erased is called after every erasure of a person, before it is confirmed. It may
	// be nil.
	Erased func(ctx context.Context)
}

// Service answers the requests under /scim/v2. It may be used by several goroutines
// at once.
type Service struct {
	cfg Config
}

// New returns the service.
func New(cfg Config) *Service { return &Service{cfg} }

const (
	prefix     = "/scim/v2"
	usersPath  = "Users"
	groupsPath = "Groups"
)

// Routes returns every route with who may use it: tokens with the scope "scim" of
// administrators. What members hold reads and writes no accounts.
func (s *Service) Routes() []server.Route {
	const get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
	routes := []server.Route{
		{Method: get, Path: "/ServiceProviderConfig", Handle: s.config},
		{Method: get, Path: "/ResourceTypes", Handle: s.resourceTypes},
		{Method: get, Path: "/ResourceTypes/:id", Handle: s.resourceTypes},
		{Method: get, Path: "/Schemas", Handle: s.schemas},
		{Method: get, Path: "/Schemas/:id", Handle: s.schemas},
		{Method: get, Path: "/Users", Handle: s.listUsers},
		{Method: post, Path: "/Users", Audit: audit.AccountCreate, Handle: s.createUser},
		{Method: get, Path: "/Users/:id", Handle: s.getUser},
		{Method: put, Path: "/Users/:id", Audit: audit.AccountUpdate, Handle: s.replaceUser},
		{Method: patch, Path: "/Users/:id", Audit: audit.AccountUpdate, Handle: s.patchUser},
		{Method: del, Path: "/Users/:id", Audit: audit.AccountDelete, Handle: s.deleteUser, Long: true},
		{Method: get, Path: "/Groups", Handle: s.listGroups},
		{Method: post, Path: "/Groups", Audit: audit.GroupCreate, Handle: s.createGroup},
		{Method: get, Path: "/Groups/:id", Handle: s.getGroup},
		{Method: put, Path: "/Groups/:id", Audit: audit.GroupUpdate, Handle: s.replaceGroup},
		{Method: patch, Path: "/Groups/:id", Audit: audit.GroupUpdate, Handle: s.patchGroup},
		{Method: del, Path: "/Groups/:id", Audit: audit.GroupDelete, Handle: s.deleteGroup},
	}
	for i := range routes {
		r := &routes[i]
		r.Path, r.Scope, r.Role, r.Fail, r.Handle = prefix+r.Path, cairn.ScopeSCIM, cairn.RoleAdmin, Fail, handle(r.Handle)
	}
	return append(routes, server.Route{Method: get, Path: prefix + "/openapi.yaml", Public: true, Handle: describe})
}

//go:embed openapi.yaml
var openAPI []byte

// Spec returns the description of the routes.
func Spec() []byte { return openAPI }

// describe answers GET /openapi.yaml.
func describe(c *gin.Context) error {
	c.Writer.Header().Set("Content-Type", "application/yaml")
	_, _ = c.Writer.Write(openAPI)
	return nil
}

const (
	maxBody  = 8 << 20          // a group of many thousand members
	readBody = 60 * time.Second // to send it
)

// body reads the request's body, a JSON document.
func body(c *gin.Context) ([]byte, error) {
	if !server.HasMediaType(c.Request, "application/scim+json", "application/json") {
		return nil, badRequest("invalidSyntax", "send the body with \"Content-Type: application/scim+json\"")
	}
	b, err := server.ReadBody(c, maxBody, readBody)
	switch {
	case errors.Is(err, server.ErrBodyTooLarge):
		return nil, tooLarge()
	case errors.Is(err, server.ErrBodyBroken):
		return nil, badRequest("invalidSyntax", "%s", err)
	}
	return b, err
}

const (
	defaultCount = 100
	maxCount     = 200
)

// page returns the part of a list that is asked for: startIndex counts from 1.
func page(c *gin.Context) (start, count int, err error) {
	start, count = 1, defaultCount
	for name, to := range map[string]*int{"startIndex": &start, "count": &count} {
		text, ok := c.GetQuery(name)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, 0, badRequest("invalidValue", "%s must be a whole number", name)
		}
		*to = n
	}
	return min(max(start, 1), math.MaxInt32), min(max(count, 0), maxCount), nil
}

// reply answers with a resource and its version.
func reply(c *gin.Context, status int, r resource, revision int64) error {
	c.Writer.Header().Set("ETag", versionOf(revision))
	return write(c, status, r)
}

// noContent answers 204.
func noContent(c *gin.Context) error {
	c.Writer.WriteHeader(http.StatusNoContent)
	c.Writer.WriteHeaderNow()
	return nil
}
