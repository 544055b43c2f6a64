package api

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/jobs/schedule"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

var sourceName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func validSourceName(name string) bool { return sourceName.MatchString(name) }

// source is a source as it is sent to administrators. Others get the name alone.
type source struct {
	ID        cairn.SourceID    `json:"id,omitempty"`
	Name      string            `json:"name"`
	Kind      string            `json:"kind,omitempty"`
	Settings  map[string]string `json:"settings,omitzero"`
	Secrets   []string          `json:"secrets,omitzero"` // names of secret settings that are set
	ACLMode   cairn.ACLMode     `json:"acl_mode,omitempty"`
	ACL       *wireACL          `json:"acl,omitempty"`
	Owner     cairn.AccountID   `json:"owner,omitempty"`
	Paused    *bool             `json:"paused,omitempty"`
	Created   *time.Time        `json:"created_at,omitempty"`
	Documents *int              `json:"documents,omitempty"`
	Errors    *int              `json:"errors,omitempty"`
	LastRun   *run              `json:"last_run,omitempty"`
	Synced    *time.Time        `json:"permissions_synced_at,omitempty"`
	Degraded  *degraded         `json:"degraded,omitempty"`
	// Schedule is in force whether or not it is among the settings. NextRun may have
	// passed; missing while a run is not finished, and when none will come.
	Schedule string     `json:"schedule,omitempty"`
	NextRun  *time.Time `json:"next_run_at,omitempty"`
	Failures *int       `json:"failures,omitempty"` // syncs in a row that have failed
	Hook     *hook      `json:"webhook,omitempty"`
}

// degraded says that permissions could not be brought up to date.
type degraded struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

func (a *API) sourceOf(s SourceStatus) source {
	out := source{
		ID: s.ID, Name: s.Name, Kind: s.Kind, Settings: table(s.Settings), Secrets: namesOf(s.Secrets), ACLMode: s.ACLMode, ACL: wireACLOf(s.ACL),
		Owner: s.Owner, Paused: &s.Paused, Created: moment(s.Created), Documents: &s.Documents, Errors: &s.Errors,
		Synced: moment(s.PermissionsSynced),
	}
	if s.Degraded != nil {
		out.Degraded = &degraded{s.Degraded.Since.UTC(), s.Degraded.Reason}
	}
	if s.LastRun != nil {
		last := runOf(*s.LastRun)
		out.LastRun = &last
	}
	kind := a.Kinds[s.Kind]
	if !kind.Pushed {
		a.addSchedule(&out, s, kind)
	}
	if kind.Hook != nil {
		out.Hook = a.hookOf(s)
	}
	return out
}

// addSchedule says when a source is synchronised by the clock. One whose settings are no
// longer valid, or whose kind is gone, never is.
func (a *API) addSchedule(out *source, s SourceStatus, kind connectors.Kind) {
	plan, err := schedule.Of(kind, s.Settings)
	if err != nil {
		return
	}
	out.Schedule, out.Failures = plan.String(), &s.LastSync.Failures
	if !s.Paused && !s.AtWork {
		out.NextRun = moment(plan.Next(s.LastSync, string(s.ID)))
	}
}

// namesOf returns the names of secrets, and never a value.
func namesOf(secrets map[string]cairn.Secret) []string {
	return append([]string{}, slices.Sorted(maps.Keys(secrets))...)
}

// administers reports whether the caller may see sources whole: the role alone
// is not enough when a token was made for less.
func administers(i auth.Identity) bool { return i.Permit(cairn.ScopeAdmin, cairn.RoleAdmin) == nil }

// listSources answers GET /sources.
func (a *API) listSources(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	ctx := c.Request.Context()
	out := struct {
		Sources []source `json:"sources"`
		Next    *string  `json:"next_cursor"`
	}{}
	if id := auth.FromContext(ctx); administers(id) {
		sources, next, err := a.Store.ListSources(ctx, p)
		if err != nil {
			return err
		}
		out.Sources, out.Next = mapped(sources, a.sourceOf), after(next)
	} else {
		names, next, err := a.Store.ReadableSources(ctx, id.Viewer, p)
		if err != nil {
			return err
		}
		out.Sources, out.Next = mapped(names, func(n string) source { return source{Name: n} }), after(next)
	}
	return reply(c, http.StatusOK, out)
}

// getSource answers GET /sources/{name}.
func (a *API) getSource(c *gin.Context) error {
	ctx, name := c.Request.Context(), c.Param("name")
	id := auth.FromContext(ctx)
	if administers(id) {
		s, err := a.Store.SourceByName(ctx, name)
		if err != nil {
			return err
		}
		return reply(c, http.StatusOK, a.sourceOf(s))
	}
	readable, err := a.readable(c, name)
	if err != nil {
		return err
	}
	if !readable {
		return cairn.ErrNotFound
	}
	return reply(c, http.StatusOK, source{Name: name})
}

// readable reports whether the caller may read something in the source.
func (a *API) readable(c *gin.Context, name string) (bool, error) {
	ctx := c.Request.Context()
	p := Page{Limit: maxPage}
	for {
		names, next, err := a.Store.ReadableSources(ctx, auth.FromContext(ctx).Viewer, p)
		if err != nil {
			return false, err
		}
		for _, n := range names {
			if n == name {
				return true, nil
			}
		}
		if next == "" {
			return false, nil
		}
		p.Cursor = next
	}
}

// createSource answers POST /sources.
func (a *API) createSource(c *gin.Context) error {
	var req struct {
		Name     string            `json:"name"`
		Kind     string            `json:"kind"`
		Settings map[string]string `json:"settings"`
		ACL      aclChoice         `json:"acl"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if !validSourceName(req.Name) {
		return cairn.Errorf(cairn.ErrInvalid, "\"name\" must be 1 to 64 of the characters a-z, 0-9 and -")
	}
	if err := cairn.CheckSourceName(req.Name); err != nil {
		return err
	}
	kind, err := a.Kinds.Lookup(req.Kind)
	if err != nil {
		return err
	}
	owner := auth.FromContext(c.Request.Context()).Account.ID
	s := cairn.Source{Name: req.Name, Kind: req.Kind, Owner: owner, Created: a.Now().UTC()}
	if err := configure(&s, kind, pointers(req.Settings)); err != nil {
		return err
	}
	if err := a.validate(s, kind); err != nil {
		return err
	}
	if err := req.ACL.apply(&s, kind, owner); err != nil {
		return err
	}
	created, err := a.Store.CreateSource(c.Request.Context(), s)
	if err != nil {
		return err
	}
	return reply(c, http.StatusCreated, a.sourceOf(SourceStatus{Source: created, LastSync: schedule.Last{Since: created.Created}}))
}

// sourcePatch is what a request may change of a source.
type sourcePatch struct {
	Settings map[string]*string `json:"settings"`
	ACL      aclChoice          `json:"acl"`
}

// patch changes a source as a request of the caller asks for.
func (a *API) patch(c *gin.Context, req sourcePatch, s *cairn.Source) error {
	kind, err := a.Kinds.Lookup(s.Kind)
	if err != nil {
		return err
	}
	if err := configure(s, kind, req.Settings); err != nil {
		return err
	}
	if err := a.validate(*s, kind); err != nil {
		return err
	}
	if !req.ACL.given() {
		return nil
	}
	// A source that Cairn made itself, such as the sample, has no owner.
	return req.ACL.apply(s, kind, cmp.Or(s.Owner, auth.FromContext(c.Request.Context()).Account.ID))
}

// address is the setting that says where the secret ones are sent to.
const address = "url"

// configure gives a source settings, secret ones apart from the others; nil removes one.
// Secrets are not sent to another address than they were given for.
func configure(s *cairn.Source, kind connectors.Kind, settings map[string]*string) error {
	before := s.Settings[address]
	s.Settings, s.Secrets = table(maps.Clone(s.Settings)), table(maps.Clone(s.Secrets))
	for name, value := range settings {
		switch secret := kind.IsSecret(name); {
		case secret && value == nil:
			delete(s.Secrets, name)
		case secret && *value == "":
			return cairn.Errorf(cairn.ErrInvalid, "the setting %s is empty; null removes it", name)
		case secret:
			s.Secrets[name] = cairn.NewSecret(*value)
		case value == nil:
			delete(s.Settings, name)
		default:
			s.Settings[name] = *value
		}
	}
	for name, value := range s.Secrets {
		if s.Settings[address] != before && !value.Set() {
			return cairn.Errorf(cairn.ErrInvalid, "the setting %s is another one: give %s again, so that it is sent nowhere by mistake", address, name)
		}
	}
	return nil
}

// validate checks the settings of a source.
func (a *API) validate(s cairn.Source, kind connectors.Kind) error {
	if err := kind.Validate(a.Environment, s.Settings); err != nil {
		return err
	}
	if _, err := schedule.Of(kind, s.Settings); err != nil {
		return err
	}
	return kind.ValidateSecrets(s.Secrets)
}

// pointers returns settings that are all there as those of a change.
func pointers(settings map[string]string) map[string]*string {
	out := make(map[string]*string, len(settings))
	for name, value := range settings {
		out[name] = &value
	}
	return out
}

// updateSource answers PATCH /sources/{name}.
func (a *API) updateSource(c *gin.Context) error {
	var req sourcePatch
	if err := decode(c, &req, false); err != nil {
		return err
	}
	return a.change(c, func(s *cairn.Source) error { return a.patch(c, req, s) })
}

// pauseSource answers POST /sources/{name}/pause.
func (a *API) pauseSource(c *gin.Context) error {
	req := struct {
		Paused bool `json:"paused"`
	}{Paused: true}
	if err := decode(c, &req, true); err != nil {
		return err
	}
	return a.change(c, func(s *cairn.Source) error {
		s.Paused = req.Paused
		return nil
	})
}

// change stores what edit makes of the source in the path, and replies with it.
func (a *API) change(c *gin.Context, edit func(*cairn.Source) error) error {
	ctx := c.Request.Context()
	s, err := a.Store.SourceByName(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	if _, err = a.Store.UpdateSource(ctx, s.ID, edit); err != nil {
		return err
	}
	if s, err = a.Store.SourceByName(ctx, s.Name); err != nil { // the schedule may count from now
		return err
	}
	return reply(c, http.StatusOK, a.sourceOf(s))
}

// deleteSource answers DELETE /sources/{name}.
func (a *API) deleteSource(c *gin.Context) error {
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	if err := a.Jobs.Cancel(ctx, s.ID); err != nil {
		return err
	}
	erased, err := a.Store.EraseSource(ctx, s.ID, auth.FromContext(ctx).Account.ID)
	if err != nil {
		return err
	}
	return a.receipt(c, erased)
}

// testSource answers POST /sources/{name}/test.
func (a *API) testSource(c *gin.Context) error {
	ctx := c.Request.Context()
	s, err := a.Store.SourceNamed(ctx, c.Param("name"))
	if err != nil {
		return err
	}
	audit.FromContext(ctx).About(audit.KindSource, string(s.ID))
	type result struct {
		OK      bool   `json:"ok"`
		Message string `json:"message"`
	}
	found, err := a.Jobs.Test(ctx, s.ID)
	if kind, unknown := a.Kinds.Lookup(s.Kind); err == nil && unknown == nil && kind.Pushed {
		found, err = a.testWriters(ctx, s)
	}
	if err != nil {
		shown := (*cairn.Error)(nil)
		if !errors.As(err, &shown) {
			return err
		}
		return reply(c, http.StatusOK, result{false, server.FailureOf(err).Message})
	}
	return reply(c, http.StatusOK, result{true, cmp.Or(found, "the source can be read")})
}
