package git

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/gitrepo"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// web is the upstream of a repository over HTTP.
type web struct {
	base       *url.URL
	env        connectors.Environment
	user       string
	repository *gitrepo.WebRepository // made at the first Open
}

// Open implements gitrepo.Upstream.
func (w *web) Open(ctx context.Context) (*gitrepo.Relay, error) {
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	return w.repository.Open(ctx)
}

// connect makes the repository, once it is known whether there is a credential.
func (w *web) connect(ctx context.Context) error {
	if w.repository != nil {
		return nil
	}
	cfg := remote.Config{
		URL: w.base.String(), Sign: remote.Basic(w.user),
		Rate:   connectors.Rate{Every: 100 * time.Millisecond, Burst: 30},
		Advice: "It needs to read the contents of the repository, no more.",
	}
	var token cairn.Secret
	var err error
	if w.env.Secrets != nil {
		if token, err = w.env.Secrets.Secret(ctx, "token"); err != nil {
			return err
		}
	}
	if token.Set() {
		cfg.Token, cfg.Account = remote.Secret(w.env, "token"), w.user
	} else {
		cfg.Judge = w.unsigned
	}
	host, err := gitrepo.NewWeb(w.env, cfg)
	if err == nil {
		w.repository = host.Repository(w.base)
	}
	return err
}

// unsigned says what a reply means to requests without a credential.
func (w *web) unsigned(res *remote.Response) error {
	if res.Status != http.StatusUnauthorized {
		return nil
	}
	return &connectors.Error{Kind: connectors.ErrUnauthorized, Status: res.Status,
		Message: w.base.Host + " asks who wants to read the repository, or has none there: check the url, and give the source a token with cairn source set NAME --secret token=FILE"}
}
