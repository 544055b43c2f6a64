package remote

import (
	"context"
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// OAuth gets access tokens for a refresh token (RFC 6749, 6). Where the source issues a
// new refresh token with each (RFC 9700, 4.14.2), that is stored before it is used.
type OAuth struct {
	TokenURL     string
	ClientID     string
	ClientSecret string // name of the secret setting; empty: a public client
	RefreshToken string // name of the secret setting
	// InHeader says that the client is named by HTTP basic authentication, not in the form.
	InHeader bool
	// Advice is a sentence on how to get a new refresh token.
	Advice string
}

// storing is how long the storing of a refresh token may take, also when the run that
// asked for it has ended: the old one may be worth nothing any more.
const storing = 30 * time.Second

// Token returns a Config.Token.
func (o OAuth) Token(env connectors.Environment) func(context.Context) (Token, error) {
	return func(ctx context.Context) (Token, error) {
		var tried cairn.Secret
		for {
			refresh, err := secret(ctx, env, o.RefreshToken)
			if err != nil {
				return Token{}, err
			}
			if refresh == tried {
				return Token{}, o.refused()
			}
			token, err := o.exchange(ctx, env, refresh)
			if !errors.Is(err, connectors.ErrUnauthorized) && !errors.Is(err, cairn.ErrConflict) {
				return token, err
			}
			tried = refresh // another replica may have used and replaced it
		}
	}
}

// exchange asks for an access token. An ErrConflict says that the refresh token was
// replaced meanwhile, and that the new one is lost for it.
func (o OAuth) exchange(ctx context.Context, env connectors.Environment, refresh cairn.Secret) (Token, error) {
	style := oauth2.AuthStyleInParams
	if o.InHeader {
		style = oauth2.AuthStyleInHeader
	}
	cfg := oauth2.Config{ClientID: o.ClientID, Endpoint: oauth2.Endpoint{TokenURL: o.TokenURL, AuthStyle: style}}
	if o.ClientSecret != "" {
		s, err := secret(ctx, env, o.ClientSecret)
		if err != nil {
			return Token{}, err
		}
		cfg.ClientSecret = s.Reveal()
	}
	if env.Network == nil {
		return Token{}, cairn.Errorf(cairn.ErrInvalid, "this server reaches no other machines")
	}
	timeout := env.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	client := &http.Client{
		Transport: env.Network, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	got, err := cfg.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client), &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	if err != nil {
		return Token{}, o.failed(err)
	}
	if got.RefreshToken != "" && got.RefreshToken != refresh.Reveal() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storing)
		defer cancel()
		if err := env.Secrets.Replace(last, o.RefreshToken, refresh, cairn.NewSecret(got.RefreshToken)); err != nil {
			return Token{}, err
		}
	}
	return Token{Value: cairn.NewSecret(got.AccessToken), Expires: got.Expiry}, nil
}

// failed says why there is no access token. Of a reply it tells the status alone: its
// text may hold what was sent.
func (o OAuth) failed(err error) error {
	var denied *cairn.Error
	var reply *oauth2.RetrieveError
	switch {
	case errors.As(err, &denied): // by the guard of the network
		return denied
	case errors.As(err, &reply) && (reply.ErrorCode == "invalid_grant" || reply.ErrorCode == "invalid_client" || reply.Response.StatusCode == http.StatusUnauthorized):
		return o.refused()
	case errors.As(err, &reply) && reply.Response.StatusCode >= 400 && reply.Response.StatusCode < 500 && reply.Response.StatusCode != http.StatusTooManyRequests:
		return &connectors.Error{Kind: connectors.ErrUnexpected, Status: reply.Response.StatusCode, Message: "the source gives out no access token and does not say why"}
	}
	return &connectors.Error{Kind: connectors.ErrUnavailable, Message: "the place that gives out access tokens does not answer"}
}

func (o OAuth) refused() error {
	message := "the refresh token or the client's secret was refused: authorise Cairn at the source anew and set them with cairn source set NAME --secret"
	if o.Advice != "" {
		message += ". " + o.Advice
	}
	return &connectors.Error{Kind: connectors.ErrUnauthorized, Message: message}
}
