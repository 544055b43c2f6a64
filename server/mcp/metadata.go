package mcp

import (
	"encoding/json"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

// resource is what a protected resource says of itself (RFC 9728).
type resource struct {
	Resource string   `json:"resource"`
	Name     string   `json:"resource_name"`
	Servers  []string `json:"authorization_servers"`
	Methods  []string `json:"bearer_methods_supported"`
}

// metadata answers GET /.well-known/oauth-protected-resource, by which OAuth clients find
// the issuer. Without one there is nothing to describe: the server makes tokens itself. No
// scopes are named: issuers refuse those that they do not know, and none is needed.
func (s *Server) metadata(c *gin.Context) error {
	found, ok := s.cfg.Auth.Resource(Path)
	if !ok {
		return cairn.ErrNotFound
	}
	b, err := json.Marshal(resource{Resource: found.Address, Name: "Cairn", Servers: []string{found.Issuer}, Methods: []string{"header"}})
	if err != nil {
		return err
	}
	c.Writer.Header().Set("Content-Type", "application/json")
	c.Writer.WriteHeader(http.StatusOK)
	_, err = c.Writer.Write(append(b, '\n'))
	return err
}
