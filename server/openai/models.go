package openai

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"` // always 0: nobody knows
	Owner   string `json:"owned_by"`
}

func modelOf(name string) model { return model{ID: name, Object: "model", Owner: "cairn"} }

// listModels answers GET /models: the default first.
func (s *Service) listModels(c *gin.Context) error {
	data := []model{}
	for _, name := range s.cfg.Ask.Models() {
		data = append(data, modelOf(name))
	}
	write(c, http.StatusOK, struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", data})
	return nil
}

// getModel answers GET /models/{id}.
func (s *Service) getModel(c *gin.Context) error {
	name := strings.TrimPrefix(c.Param("id"), "/")
	if !slices.Contains(s.cfg.Ask.Models(), name) {
		return s.noModel(name, "")
	}
	write(c, http.StatusOK, modelOf(name))
	return nil
}

// noModel says that there is no model of a name.
func (s *Service) noModel(name, param string) error {
	return &fault{cairn.ErrNotFound, codeModel, param, "There is no model " + quote(name) + ". There are: " + strings.Join(s.cfg.Ask.Models(), ", ") + "."}
}
