package scim

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

// listGroups answers GET /Groups.
func (s *Service) listGroups(c *gin.Context) error {
	q, err := queryOf(c.Query("filter"), groupAttributes())
	if err != nil {
		return err
	}
	start, count, err := page(c)
	if err != nil {
		return err
	}
	w := wantedOf(c)
	q.Offset, q.Limit, q.Members = start-1, count, w.has("members")
	groups, total, err := s.cfg.Store.ListGroups(c.Request.Context(), q)
	if err != nil {
		return err
	}
	resources := make([]resource, len(groups))
	for i, g := range groups {
		resources[i] = w.of(s.groupOf(c, g, q.Members))
	}
	return write(c, http.StatusOK, listOf(resources, total, start))
}

// group returns the group of the path.
func (s *Service) group(c *gin.Context, id string, members bool) (Group, error) {
	groups, _, err := s.cfg.Store.ListGroups(c.Request.Context(), Query{ID: &id, Limit: 1, Members: members})
	if err != nil {
		return Group{}, err
	}
	if len(groups) == 0 {
		return Group{}, cairn.ErrNotFound
	}
	return groups[0], nil
}

// getGroup answers GET /Groups/{id}.
func (s *Service) getGroup(c *gin.Context) error {
	w := wantedOf(c)
	g, err := s.group(c, c.Param("id"), w.has("members"))
	if err != nil {
		return err
	}
	if known(c, g.Revision) {
		return notModified(c, g.Revision)
	}
	return reply(c, http.StatusOK, w.of(s.groupOf(c, g, w.has("members"))), g.Revision)
}

// createGroup answers POST /Groups.
func (s *Service) createGroup(c *gin.Context) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	steps, err := resourceSteps(b)
	if err != nil {
		return err
	}
	edits, err := groupEdits(steps, "")
	if err != nil {
		return err
	}
	var g Group
	for _, e := range edits {
		set(&g.Display, e.Display)
		set(&g.ExternalID, e.ExternalID)
		for _, id := range e.Add {
			g.Members = append(g.Members, Member{ID: id})
		}
	}
	if g.Display == "" {
		return lacks("displayName")
	}
	if g, err = s.cfg.Store.CreateGroup(c.Request.Context(), g); err != nil {
		return err
	}
	c.Writer.Header().Set("Location", s.locate(c, groupsPath, g.ID))
	w := wantedOf(c)
	return reply(c, http.StatusCreated, w.of(s.groupOf(c, g, w.has("members"))), g.Revision)
}

// set replaces what to points at unless from is nil.
func set(to, from *string) {
	if from != nil {
		*to = *from
	}
}

// replaceGroup answers PUT /Groups/{id}. What the body leaves out stays as it is.
func (s *Service) replaceGroup(c *gin.Context) error {
	g, err := s.updateGroup(c, resourceSteps)
	if err != nil {
		return err
	}
	w := wantedOf(c)
	if w.has("members") {
		if g, err = s.group(c, g.ID, true); err != nil {
			return err
		}
	}
	return reply(c, http.StatusOK, w.of(s.groupOf(c, g, w.has("members"))), g.Revision)
}

// patchGroup answers PATCH /Groups/{id}: without a body, because a group may be large.
func (s *Service) patchGroup(c *gin.Context) error {
	g, err := s.updateGroup(c, patchSteps)
	if err != nil {
		return err
	}
	c.Writer.Header().Set("ETag", versionOf(g.Revision))
	return noContent(c)
}

func (s *Service) updateGroup(c *gin.Context, read func([]byte) ([]step, error)) (Group, error) {
	b, err := body(c)
	if err != nil {
		return Group{}, err
	}
	steps, err := read(b)
	if err != nil {
		return Group{}, err
	}
	return s.cfg.Store.UpdateGroup(c.Request.Context(), c.Param("id"), func(g Group) ([]GroupEdit, error) {
		if err := unchanged(c, g.Revision); err != nil {
			return nil, err
		}
		return groupEdits(steps, g.ID)
	})
}

// deleteGroup answers DELETE /Groups/{id}.
func (s *Service) deleteGroup(c *gin.Context) error {
	err := s.cfg.Store.DeleteGroup(c.Request.Context(), c.Param("id"), func(g Group) error {
		return unchanged(c, g.Revision)
	})
	if err != nil {
		return err
	}
	return noContent(c)
}
