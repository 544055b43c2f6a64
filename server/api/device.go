package api

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// devicePage is where a person types the code that a program shows.
const devicePage = "/device"

// deviceGrant is what a program asks for at /oauth/token: nothing else is given there.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// oauthRoutes are those of the device authorization grant (RFC 8628), for programs: they
// read forms and answer as OAuth 2.0 has it.
func (a *API) oauthRoutes() []server.Route {
	return []server.Route{
		{Method: http.MethodPost, Path: "/oauth/device_authorization", Public: true, Handle: a.beginDevice, Fail: failOAuth},
		{Method: http.MethodPost, Path: "/oauth/token", Public: true, Handle: a.pollDevice, Fail: failOAuth},
	}
}

// beginDevice answers POST /oauth/device_authorization.
func (a *API) beginDevice(c *gin.Context) error {
	form, err := oauthForm(c)
	if err != nil {
		return err
	}
	asked := tokenRequest{Name: cmp.Or(form.Get("device_name"), form.Get("client_id")), TTL: form.Get("ttl")}
	for _, s := range strings.Fields(form.Get("scope")) {
		asked.Scopes = append(asked.Scopes, cairn.Scope(s))
	}
	if err := checkDeviceName(asked.Name); err != nil {
		return err
	}
	now := a.Now()
	t, err := asked.toToken(now)
	if err != nil {
		return err
	}
	codes, err := a.Auth.BeginDevice(c.Request, auth.DeviceLogin{Name: t.Name, Scopes: t.Scopes, TTL: t.Expires.Sub(now)})
	if err != nil {
		return err
	}
	return replyOAuth(c, http.StatusOK, map[string]any{
		"device_code": codes.Device, "user_code": codes.User, "expires_in": seconds(codes.Expires), "interval": seconds(codes.Pace),
		"verification_uri": cmp.Or(a.BaseURL, "http://"+c.Request.Host) + devicePage,
	})
}

// checkDeviceName refuses names that could look like something else to the person who
// decides by them.
func checkDeviceName(name string) error {
	if err := checkLength("device_name", name, 1, 100); err != nil {
		return err
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return cairn.Errorf(cairn.ErrInvalid, "\"device_name\" holds a character that cannot be seen")
	}
	return nil
}

// pollDevice answers POST /oauth/token.
func (a *API) pollDevice(c *gin.Context) error {
	form, err := oauthForm(c)
	if err != nil {
		return err
	}
	if form.Get("grant_type") != deviceGrant {
		return refuseOAuth(c, "unsupported_grant_type")
	}
	state, token, secret, err := a.Auth.PollDevice(c.Request, form.Get("device_code"))
	if err != nil {
		return err
	}
	if state != auth.DeviceAdmitted {
		return refuseOAuth(c, string(state))
	}
	scopes := make([]string, len(token.Scopes))
	for i, s := range token.Scopes {
		scopes[i] = string(s)
	}
	return replyOAuth(c, http.StatusOK, map[string]any{
		"access_token": secret, "token_type": "Bearer", "expires_in": seconds(token.Expires.Sub(a.Now())), "scope": strings.Join(scopes, " "), "token_id": token.ID,
	})
}

// oauthForm returns the fields of a form, each of which may be given once.
func oauthForm(c *gin.Context) (url.Values, error) {
	b, err := body(c, 16<<10, readBody, "application/x-www-form-urlencoded", false)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(b))
	if err != nil {
		return nil, cairn.Errorf(cairn.ErrInvalid, "the body is no form")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, cairn.Errorf(cairn.ErrInvalid, "%q is given twice", name)
		}
		if !utf8.ValidString(values[0]) || strings.Contains(values[0], "\x00") {
			return nil, cairn.Errorf(cairn.ErrInvalid, "%q is not valid text", name)
		}
	}
	if form.Get("client_id") == "" {
		return nil, cairn.Errorf(cairn.ErrInvalid, "\"client_id\" is missing: what the program is called")
	}
	return form, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// replyOAuth answers a program; nobody keeps what holds a secret.
func replyOAuth(c *gin.Context, status int, v any) error {
	c.Writer.Header().Set("Cache-Control", "no-store")
	return reply(c, status, v)
}

// refuseOAuth answers a program with one of the codes of OAuth 2.0.
func refuseOAuth(c *gin.Context, code string) error {
	return replyOAuth(c, http.StatusBadRequest, map[string]string{"error": code})
}

// failOAuth writes a failure as RFC 6749, section 5.2, has it.
func failOAuth(c *gin.Context, f server.Failure) {
	code := map[int]string{
		http.StatusBadRequest: "invalid_request", http.StatusRequestEntityTooLarge: "invalid_request", http.StatusForbidden: "access_denied",
		http.StatusTooManyRequests: string(auth.DeviceTooSoon), http.StatusInternalServerError: "server_error",
	}[f.Status]
	_ = replyOAuth(c, f.Status, map[string]string{"error": cmp.Or(code, "temporarily_unavailable"), "error_description": f.Message})
}

// device is a program that asks to be let in, as its page shows it.
type device struct {
	Name    string        `json:"name"`
	Address string        `json:"address"`
	Scopes  []cairn.Scope `json:"scopes"`
	TTL     int64         `json:"ttl_seconds"`
	Asked   time.Time     `json:"asked_at"`
	Expires time.Time     `json:"expires_at"`
}

// showDevice answers POST /login/device.
func (a *API) showDevice(c *gin.Context) error {
	var req struct {
		Code string `json:"code"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	ctx := c.Request.Context()
	d, err := a.Auth.OpenDevice(ctx, auth.FromContext(ctx), req.Code)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, device{d.Name, d.Address, list(d.Scopes), seconds(d.TTL), d.Asked.UTC(), d.Expires.UTC()})
}

// decideDevice answers POST /login/device/decision.
func (a *API) decideDevice(c *gin.Context) error {
	var req struct {
		Code  string `json:"code"`
		Admit *bool  `json:"admit"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if req.Admit == nil {
		return cairn.Errorf(cairn.ErrInvalid, "\"admit\" is missing: true or false")
	}
	ctx := c.Request.Context()
	if !*req.Admit {
		audit.FromContext(ctx).As(audit.TokenRefuse)
	}
	if err := a.Auth.DecideDevice(ctx, auth.FromContext(ctx), req.Code, *req.Admit); err != nil {
		return err
	}
	return noContent(c)
}
