package slacktest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// refusal is {"ok": false}.
type refusal struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed,omitempty"`
	Provided string `json:"provided,omitempty"`
}

func no(code string) refusal { return refusal{Error: code} }

// method answers a method: with what answer returns, which is called with the lock held.
func (s *Site) method(answer func(*http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-OAuth-Scopes", s.provided())
		var out any
		if s.error != "" {
			out = no(s.error)
		} else {
			out = answer(r)
		}
		b, err := json.Marshal(out)
		if err != nil {
			s.t.Error(err)
		}
		if _, refused := out.(refusal); !refused {
			b = append([]byte(`{"ok":true,`), b[1:]...)
		}
		_, _ = w.Write(b)
	}
}

func (s *Site) provided() string {
	var have []string
	for _, scope := range scopes {
		if s.scopes[scope] {
			have = append(have, scope)
		}
	}
	return strings.Join(have, ",")
}

// lacks returns the answer for a scope that the token lacks; nil when it has it.
func (s *Site) lacks(scope string) any {
	if s.scopes[scope] {
		return nil
	}
	return refusal{Error: "missing_scope", Needed: scope, Provided: s.provided()}
}

// limit returns how many things a page has, and fails the test where Slack would refuse.
func (s *Site) limit(r *http.Request) int {
	n, err := strconv.Atoi(r.FormValue("limit"))
	if r.FormValue("limit") != "" && (err != nil || n < 1 || n > 999) {
		s.t.Errorf("%s: the limit is %q, not 1 to 999", r.URL.Path, r.FormValue("limit"))
	}
	if n == 0 {
		n = 100
	}
	return min(n, s.page)
}

// cursor returns what follows prefix in the cursor of a request.
func (s *Site) cursor(r *http.Request, prefix string) string {
	if r.FormValue("cursor") == "" {
		return ""
	}
	text, err := base64.StdEncoding.DecodeString(r.FormValue("cursor"))
	id, ok := strings.CutPrefix(string(text), prefix)
	if err != nil || !ok {
		s.t.Errorf("%s: the cursor %q is none that was given", r.URL.Path, r.FormValue("cursor"))
	}
	return id
}

func next(prefix, id string) map[string]any {
	if id == "" {
		return map[string]any{"next_cursor": ""}
	}
	return map[string]any{"next_cursor": base64.StdEncoding.EncodeToString([]byte(prefix + id))}
}

// pageOf returns the things of a page, from the one with an id on, and the id of the next.
func pageOf[T any](all []T, id func(T) string, from string, limit int) ([]T, string) {
	if i := slices.IndexFunc(all, func(v T) bool { return id(v) == from }); i > 0 {
		all = all[i:]
	}
	if len(all) <= limit {
		return all, ""
	}
	return all[:limit], id(all[limit])
}

func (s *Site) auth(*http.Request) any {
	return map[string]any{"url": Address, "team": "Acme", "user": "cairn", "team_id": TeamID, "user_id": BotID, "bot_id": "B0000CAIRN", "is_enterprise_install": false}
}

func (s *Site) users(r *http.Request) any {
	if refused := s.lacks("users:read"); refused != nil {
		return refused
	}
	page, more := pageOf(s.world.Users, func(u *User) string { return u.ID }, s.cursor(r, "user:"), s.limit(r))
	members := []any{}
	for _, u := range page {
		members = append(members, s.user(u))
	}
	return map[string]any{"members": members, "cache_ts": 1498777272, "response_metadata": next("user:", more)}
}

func (s *Site) user(u *User) any {
	profile := map[string]any{"real_name": u.Name, "display_name": "", "team": u.Team}
	if s.scopes["users:read.email"] && u.Email != "" {
		profile["email"] = u.Email
	}
	out := map[string]any{"id": u.ID, "team_id": u.Team, "name": strings.ToLower(u.Name), "deleted": u.Deleted, "profile": profile, "is_bot": u.Bot}
	if !u.Deleted {
		out["is_restricted"], out["is_ultra_restricted"], out["is_email_confirmed"] = u.Guest || u.Single, u.Single, !u.Unconfirmed
	}
	return out
}

// list answers with conversations of the types that are asked for.
func (s *Site) list(r *http.Request, wanted func(*Channel) bool) any {
	asked := strings.Split(r.FormValue("types"), ",")
	for _, t := range asked {
		scope := map[string]string{"public_channel": "channels:read", "private_channel": "groups:read", "mpim": "mpim:read", "im": "im:read"}[t]
		if scope == "" {
			return no("invalid_types")
		}
		if refused := s.lacks(scope); refused != nil {
			return refused
		}
	}
	all := slices.DeleteFunc(slices.Clone(s.world.Channels), func(c *Channel) bool {
		hidden := (c.Private || c.MPIM) && c.Left
		return hidden || !slices.Contains(asked, c.kind()) || c.Archived && r.FormValue("exclude_archived") == "true" || !wanted(c)
	})
	page, more := pageOf(all, func(c *Channel) string { return c.ID }, s.cursor(r, "team:"), s.limit(r))
	channels := []any{}
	for _, c := range page {
		channels = append(channels, c.object())
	}
	return map[string]any{"channels": channels, "response_metadata": next("team:", more)}
}

func (s *Site) conversations(r *http.Request) any {
	return s.list(r, func(*Channel) bool { return true })
}

func (s *Site) conversationsOf(r *http.Request) any {
	return s.list(r, func(c *Channel) bool { return slices.Contains(c.Members, r.FormValue("user")) })
}

func (c *Channel) kind() string {
	switch {
	case c.MPIM:
		return "mpim"
	case c.Private:
		return "private_channel"
	}
	return "public_channel"
}

func (c *Channel) object() any {
	out := map[string]any{
		"id": c.ID, "name": c.Name, "is_channel": !c.Private && !c.MPIM, "is_group": c.Private && !c.MPIM, "is_im": false, "is_mpim": c.MPIM,
		"is_private": c.Private || c.MPIM, "is_archived": c.Archived, "is_general": false, "is_shared": c.Shared, "is_ext_shared": c.Shared,
		"created": 1600000000, "is_member": !c.Left, "topic": map[string]any{"value": ""}, "purpose": map[string]any{"value": ""},
	}
	if c.MPIM {
		delete(out, "is_member")
	}
	if c.Strange {
		out["is_channel"], out["is_group"], out["is_mpim"], out["is_holodeck"] = false, false, false, true
	}
	return out
}

// conversation returns the channel that a request names, or the answer when it may not
// be read with a kind of scope.
func (s *Site) conversation(r *http.Request, right string, mustBeIn bool) (*Channel, any) {
	c := s.world.find(r.FormValue("channel"))
	if c == nil || c.Vanishing || c.Left && (c.Private || c.MPIM) {
		return nil, no("channel_not_found")
	}
	prefix := map[string]string{"public_channel": "channels", "private_channel": "groups", "mpim": "mpim"}[c.kind()]
	if refused := s.lacks(prefix + ":" + right); refused != nil {
		return nil, refused
	}
	if mustBeIn && c.Left {
		return nil, no("not_in_channel")
	}
	return c, nil
}

func (s *Site) members(r *http.Request) any {
	c, refused := s.conversation(r, "read", false)
	if refused != nil {
		return refused
	}
	if c.Untold {
		return no("fetch_members_failed")
	}
	page, more := pageOf(append([]string{BotID}, c.Members...), func(id string) string { return id }, s.cursor(r, "user:"), s.limit(r))
	return map[string]any{"members": page, "response_metadata": next("user:", more)}
}
