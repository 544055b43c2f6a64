package web_test

import (
	"net/http"
	"testing"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/connectortest"
	"github.com/cairnhq/cairn/connectors/web"
	"github.com/cairnhq/cairn/connectors/web/webtest"
)

func TestConformance(t *testing.T) {
	connectortest.TestConnector(t, func(t *testing.T) connectortest.Source {
		s := webtest.New(t)
		s.Twins = true
		r := connectortest.NewRemote(t, s, s.Secrets())
		return connectortest.Source{
			Remote: r,
			Connect: func(t *testing.T) connectors.Connector {
				settings := s.Settings()
				settings["url"] = r.URL + "/docs/"
				return connectortest.Open(t, web.Kind(), r.Env, settings)
			},
			Put:      func(t *testing.T, name, text string) { s.Put(t, name, "Page "+name, text) },
			Remove:   func(t *testing.T, name string) { s.Remove(t, name) },
			Break:    func(_ *testing.T, name string) { s.Break(name, http.StatusInternalServerError) },
			Move:     func(t *testing.T, name string) { s.Move(t, name) },
			External: func(name string) string { return r.URL + s.Path(name) },
		}
	})
}
