package api

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

var groupName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

type group struct {
	Name      string               `json:"name"`
	Principal cairn.PrincipalKey   `json:"principal"`
	Members   []user               `json:"members"`
	Groups    []cairn.PrincipalKey `json:"groups"`
}

func groupOf(g Group) group {
	return group{g.Name, cairn.GroupKey(g.Directory, g.Name), mapped(g.Members, userOf), list(g.Groups)}
}

// listGroups answers GET /groups.
func (a *API) listGroups(c *gin.Context) error {
	values, err := params(c, "directory", "limit", "cursor")
	if err != nil {
		return err
	}
	p, err := page(values)
	if err != nil {
		return err
	}
	directory := cmp.Or(values["directory"], cairn.OwnDirectory)
	groups, next, err := a.Store.ListGroups(c.Request.Context(), directory, p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		Groups []group `json:"groups"`
		Next   *string `json:"next_cursor"`
	}{mapped(groups, groupOf), after(next)})
}

// createGroup answers POST /groups.
func (a *API) createGroup(c *gin.Context) error {
	var req struct {
		Name string `json:"name"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if !groupName.MatchString(req.Name) {
		return cairn.Errorf(cairn.ErrInvalid, "\"name\" must be 1 to 100 letters, digits, dots, hyphens or underscores and begin with a letter or digit")
	}
	if err := a.Store.CreateGroup(c.Request.Context(), req.Name); err != nil {
		return err
	}
	return reply(c, http.StatusCreated, groupOf(Group{Directory: cairn.OwnDirectory, Name: req.Name}))
}

// setGroup answers PUT /groups/{name}.
func (a *API) setGroup(c *gin.Context) error {
	var req struct {
		Members []string `json:"members"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if req.Members == nil || len(req.Members) > maxPrincipals {
		return cairn.Errorf(cairn.ErrInvalid, "\"members\" must list at most %d e-mail addresses, ids or groups (group:cairn:NAME); an empty list removes all", maxPrincipals)
	}
	ctx := c.Request.Context()
	g := Group{Directory: cairn.OwnDirectory, Name: c.Param("name")}
	seen := map[cairn.AccountID]bool{}
	var ids []cairn.AccountID
	for _, name := range req.Members {
		if key := cairn.PrincipalKey(name); strings.HasPrefix(name, "group:") {
			if !slices.Contains(g.Groups, key) {
				g.Groups = append(g.Groups, key)
			}
			continue
		}
		account, err := a.account(ctx, name)
		if err != nil {
			return err
		}
		if !seen[account.ID] {
			seen[account.ID] = true
			ids, g.Members = append(ids, account.ID), append(g.Members, account)
		}
	}
	if err := a.Store.SetGroup(ctx, g.Name, ids, g.Groups); err != nil {
		return err
	}
	return reply(c, http.StatusOK, groupOf(g))
}

// deleteGroup answers DELETE /groups/{name}.
func (a *API) deleteGroup(c *gin.Context) error {
	if err := a.Store.DeleteGroup(c.Request.Context(), c.Param("name")); err != nil {
		return err
	}
	return noContent(c)
}
