package api

import (
	_ "embed"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

type model struct {
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

// listModels answers GET /models. The extractive model is always there, and the
// default when no other is.
func (a *API) listModels(c *gin.Context) error {
	models := mapped(a.Models, func(m Model) model { return model(m) })
	hasDefault := slices.ContainsFunc(models, func(m model) bool { return m.Default })
	models = append(models, model{cairn.ExtractiveModel, !hasDefault})
	return reply(c, http.StatusOK, map[string][]model{"models": models})
}

//go:embed openapi.yaml
var openapi []byte

// Spec returns openapi.yaml.
func Spec() []byte { return openapi }

func spec(c *gin.Context) error {
	c.Writer.Header().Set("Content-Type", "application/yaml")
	_, err := c.Writer.Write(openapi)
	return err
}
