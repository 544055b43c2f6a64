package api

import (
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server"
)

// hook is what administrators are told of the webhook of a source.
type hook struct {
	URL      string     `json:"url"`   // to be entered at the place; the path alone where the host is not known
	Ready    bool       `json:"ready"` // its secret is set: deliveries can be accepted
	Accepted *time.Time `json:"accepted_at,omitempty"`
	Event    string     `json:"event,omitempty"`
	Refused  *time.Time `json:"refused_at,omitempty"`
	Refusal  string     `json:"refusal,omitempty"`
	Reason   string     `json:"reason,omitempty"`
}

// refusals say what to do about a delivery that was refused.
var refusals = map[string]string{
	"unsigned":   "It was not signed with the secret of this source: enter the same secret at the place and here. Anybody can send such a request.",
	"stale":      "The time of its signature is more than five minutes from that of this server: correct the server's clock, unless somebody has sent an old request again.",
	"too_large":  "It was too large. What it told of is found by the next sync.",
	"media_type": "It was not sent as JSON: choose the content type application/json at the place.",
	"malformed":  "It was signed, but is no JSON object.",
	"no_secret":  "The secret of the webhook cannot be opened: see the server's log.",
}

// hookOf says where the webhook of a source is and what has come there.
func (a *API) hookOf(s SourceStatus) *hook {
	_, ready := s.Secrets[connectors.HookSecret]
	h := &hook{URL: a.BaseURL + server.HookPath(s.Name), Ready: ready, Accepted: moment(s.Hook.Accepted), Event: s.Hook.Event}
	if !s.Hook.Refused.IsZero() {
		h.Refused, h.Refusal, h.Reason = moment(s.Hook.Refused), s.Hook.Refusal, refusals[s.Hook.Refusal]
	}
	return h
}
