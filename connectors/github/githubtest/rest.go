package githubtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// known reports whether a request has a credential of the right form: a JSON Web Token
// where an App asks for a token, a token elsewhere, which is a password for git.
func (s *Site) known(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if isWiki(r) {
		var user string
		user, token, ok = r.BasicAuth()
		ok = ok && user != ""
	}
	switch {
	case !ok:
		return false
	case strings.HasSuffix(r.URL.Path, "/access_tokens"):
		return s.key != nil && s.checkJWT(token) == nil
	case s.key != nil:
		return strings.HasPrefix(token, "ghs_")
	}
	return token == Token
}

// checkJWT checks a JSON Web Token of the App as GitHub documents it.
func (s *Site) checkJWT(token string) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return fmt.Errorf("%d parts", len(parts))
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
		return err
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	for i, into := range []any{&header, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(b, into)
		}
		if err != nil {
			return err
		}
	}
	now := s.Clock.Now().Unix()
	if header.Alg != "RS256" || claims.Iss != "4242" || claims.Iat > now || claims.Exp <= now || claims.Exp-claims.Iat > 600+60 || claims.Exp > now+600 {
		return fmt.Errorf("claims %+v at %d", claims, now)
	}
	return nil
}

// authorized answers 401 to a token that has expired, and tells of limits.
func (s *Site) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if s.key != nil && !strings.HasSuffix(r.URL.Path, "/access_tokens") && token != s.issued {
			failure(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		if s.limit != nil {
			if status, header, body := s.limit(); status != 0 {
				maps.Copy(w.Header(), header)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
				return
			}
		}
		next(w, r)
	}
}

// rest is authorized for the REST API, whose version every request must name.
func (s *Site) rest(next http.HandlerFunc) http.HandlerFunc {
	return s.authorized(func(w http.ResponseWriter, r *http.Request) {
		if v := r.Header.Get("X-GitHub-Api-Version"); v != "2022-11-28" {
			s.t.Errorf("X-GitHub-Api-Version is %q", v)
			failure(w, http.StatusBadRequest, "version")
			return
		}
		next(w, r)
	})
}

func (s *Site) issueToken(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("id") != "77" {
		failure(w, http.StatusNotFound, "Not Found")
		return
	}
	s.serial++
	s.issued = "ghs_" + strconv.Itoa(s.serial)
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"token": s.issued, "expires_at": s.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339), "repository_selection": "all"})
}

func (s *Site) organization(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.PathValue("org"), s.world.Organization) {
		failure(w, http.StatusNotFound, "Not Found")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"login": s.world.Organization, "type": "Organization", "default_repository_permission": s.world.BasePermission})
}

// listIssues is "List repository issues".
func (s *Site) listIssues(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(s.world.Repositories, func(repo *Repository) bool {
		return s.world.full(repo) == r.PathValue("owner")+"/"+r.PathValue("repo") || strconv.FormatInt(repo.id, 10) == r.PathValue("id")
	})
	if i < 0 {
		failure(w, http.StatusNotFound, "Not Found")
		return
	}
	repo, q := s.world.Repositories[i], r.URL.Query()
	if repo.Blocked {
		failure(w, http.StatusForbidden, "Resource not accessible by personal access token")
		return
	}
	list, wrong := s.selectIssues(repo, q)
	if wrong != "" {
		s.t.Errorf("GET %s: %s", r.URL, wrong)
		failure(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	size, _ := strconv.Atoi(q.Get("per_page"))
	size = min(size, s.pageSize)
	from, _ := strconv.Atoi(q.Get("after"))
	to := min(from+size, len(list))
	if s.circle {
		from, to = 0, min(size, len(list)-1)
	}
	if to < len(list) {
		q.Set("after", strconv.Itoa(to))
		q.Set("page", "2")
		w.Header().Set("Link", fmt.Sprintf(`<%s/api/v3/repositories/%d/issues?%s>; rel="next"`, s.URL, repo.id, q.Encode()))
	}
	out := []any{}
	for _, item := range list[min(from, to):to] {
		out = append(out, s.issueJSON(item))
	}
	_ = json.NewEncoder(w).Encode(out)
}

// selectIssues returns the issues and pull requests that a query asks for, in its order,
// or says what is wrong with it.
func (s *Site) selectIssues(repo *Repository, q url.Values) (list []*Item, wrong string) {
	for name, allowed := range map[string][]string{"state": {"open", "closed", "all"}, "sort": {"created", "updated", "comments"}, "direction": {"asc", "desc"}} {
		if q.Has(name) && !slices.Contains(allowed, q.Get(name)) {
			return nil, name + " is " + q.Get(name)
		}
	}
	if n, err := strconv.Atoi(q.Get("per_page")); err != nil || n < 1 || n > 100 {
		return nil, "per_page is " + q.Get("per_page")
	}
	if q.Get("state") != "all" || q.Get("sort") != "updated" || q.Get("direction") != "asc" {
		return nil, "the fake lists all issues in the order of their change alone"
	}
	var since time.Time
	if q.Has("since") {
		var err error
		if since, err = time.Parse("2006-01-02T15:04:05Z", q.Get("since")); err != nil {
			return nil, "since is " + q.Get("since")
		}
	}
	for _, item := range repo.Items {
		if (item.Kind == Issue || item.Kind == Pull) && item.updated.After(since) {
			list = append(list, item)
		}
	}
	slices.SortFunc(list, func(a, b *Item) int { return cmpTime(a, b) })
	return list, ""
}

// cmpTime compares items by the time of their change, then by id.
func cmpTime(a, b *Item) int {
	if c := a.updated.Compare(b.updated); c != 0 {
		return c
	}
	return int(a.id - b.id)
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

func (s *Site) issueJSON(i *Item) map[string]any {
	labels := []any{}
	for _, name := range i.Labels {
		labels = append(labels, map[string]any{"name": name})
	}
	var user any
	if i.Author != "ghost" {
		user = map[string]any{"login": i.Author, "type": "User"}
	}
	state := "open"
	if i.State != "OPEN" {
		state = "closed"
	}
	out := map[string]any{
		"id": i.id, "number": i.number, "title": i.Title, "body": "Markdown of " + i.HTML, "html_url": s.URL + s.world.path(i), "state": state,
		"state_reason": nil, "comments": len(i.Comments), "user": user, "labels": labels, "created_at": stamp(i.created), "updated_at": stamp(i.updated),
	}
	if i.Reason != "" {
		out["state_reason"] = strings.ToLower(i.Reason)
	}
	if i.Kind == Pull {
		out["draft"] = i.Draft
		out["pull_request"] = map[string]any{"html_url": s.URL + s.world.path(i), "merged_at": nil}
	}
	return out
}
