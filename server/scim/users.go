package scim

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// listUsers answers GET /Users.
func (s *Service) listUsers(c *gin.Context) error {
	q, err := queryOf(c.Query("filter"), userAttributes())
	if err != nil {
		return err
	}
	start, count, err := page(c)
	if err != nil {
		return err
	}
	q.Offset, q.Limit = start-1, count
	users, total, err := s.cfg.Store.ListUsers(c.Request.Context(), q)
	if err != nil {
		return err
	}
	w, resources := wantedOf(c), make([]resource, len(users))
	for i, u := range users {
		resources[i] = w.of(s.userOf(c, u))
	}
	return write(c, http.StatusOK, listOf(resources, total, start))
}

// getUser answers GET /Users/{id}.
func (s *Service) getUser(c *gin.Context) error {
	id := c.Param("id")
	users, _, err := s.cfg.Store.ListUsers(c.Request.Context(), Query{ID: &id, Limit: 1})
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return cairn.ErrNotFound
	}
	if known(c, users[0].Revision) {
		return notModified(c, users[0].Revision)
	}
	return reply(c, http.StatusOK, wantedOf(c).of(s.userOf(c, users[0])), users[0].Revision)
}

// notModified answers a caller who has the newest version.
func notModified(c *gin.Context, revision int64) error {
	c.Writer.Header().Set("ETag", versionOf(revision))
	c.Writer.WriteHeader(http.StatusNotModified)
	c.Writer.WriteHeaderNow()
	return nil
}

// createUser answers POST /Users.
func (s *Service) createUser(c *gin.Context) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	steps, err := resourceSteps(b)
	if err != nil {
		return err
	}
	u := User{Active: true}
	if err := u.apply(steps); err != nil {
		return err
	}
	if u, err = s.cfg.Store.CreateUser(c.Request.Context(), u); err != nil {
		return err
	}
	c.Writer.Header().Set("Location", s.locate(c, usersPath, string(u.ID)))
	return reply(c, http.StatusCreated, wantedOf(c).of(s.userOf(c, u)), u.Revision)
}

// replaceUser answers PUT /Users/{id}. What the body leaves out stays as it is, so
// that nobody becomes active by an omission.
func (s *Service) replaceUser(c *gin.Context) error { return s.updateUser(c, resourceSteps) }

// patchUser answers PATCH /Users/{id}.
func (s *Service) patchUser(c *gin.Context) error { return s.updateUser(c, patchSteps) }

func (s *Service) updateUser(c *gin.Context, read func([]byte) ([]step, error)) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	steps, err := read(b)
	if err != nil {
		return err
	}
	u, err := s.cfg.Store.UpdateUser(c.Request.Context(), cairn.AccountID(c.Param("id")), func(u *User) error {
		if err := unchanged(c, u.Revision); err != nil {
			return err
		}
		return u.apply(steps)
	})
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, wantedOf(c).of(s.userOf(c, u)), u.Revision)
}

// deleteUser answers DELETE /Users/{id}: the person is erased.
func (s *Service) deleteUser(c *gin.Context) error {
	ctx := c.Request.Context()
	err := s.cfg.Store.DeleteUser(ctx, cairn.AccountID(c.Param("id")), auth.FromContext(ctx).Account.ID, func(u User) error {
		return unchanged(c, u.Revision)
	})
	if err != nil {
		return err
	}
	if s.cfg.Erased != nil {
		s.cfg.Erased(ctx)
	}
	return noContent(c)
}
