package api

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// SlackPerson is somebody in a workspace of Slack with the account that an administrator has
// said is hers.
type SlackPerson struct {
	Workspace string
	Email     string // that Slack has confirmed, folded
	Account   cairn.Account
	By        cairn.AccountID // who has approved it
	At        time.Time
}

// SlackPeople keeps who somebody in Slack is. Its callers are administrators.
type SlackPeople interface {
	// ListSlackPeople returns them by workspace and address.
	ListSlackPeople(ctx context.Context, p Page) (people []SlackPerson, next string, err error)
	// SetSlackPerson stores the account of an address, in the place of another one, and
	// returns when. ErrNotFound when there is no such account.
	SetSlackPerson(ctx context.Context, p SlackPerson) (time.Time, error)
	// DeleteSlackPerson removes an address, or returns ErrNotFound.
	DeleteSlackPerson(ctx context.Context, workspace, email string) error
}

type slackPerson struct {
	Workspace string    `json:"workspace"`
	Email     string    `json:"email"`
	User      user      `json:"user"`
	By        string    `json:"approved_by"`
	At        time.Time `json:"approved_at"`
}

func slackPersonOf(p SlackPerson) slackPerson {
	return slackPerson{p.Workspace, p.Email, userOf(p.Account), string(p.By), p.At.UTC()}
}

// listSlackPeople answers GET /slack/people.
func (a *API) listSlackPeople(c *gin.Context) error {
	p, err := listPage(c)
	if err != nil {
		return err
	}
	people, next, err := a.Store.ListSlackPeople(c.Request.Context(), p)
	if err != nil {
		return err
	}
	return reply(c, http.StatusOK, struct {
		People []slackPerson `json:"people"`
		Next   *string       `json:"next_cursor"`
	}{mapped(people, slackPersonOf), after(next)})
}

var slackWorkspace = regexp.MustCompile(`^T[A-Z0-9]{2,20}$`)

// slackAddress returns the workspace and the address of a route.
func slackAddress(c *gin.Context) (workspace, email string, err error) {
	workspace = c.Param("workspace")
	email, ok := cairn.FoldAddress(c.Param("email"))
	if !slackWorkspace.MatchString(workspace) || !ok || !strings.Contains(email, "@") {
		return "", "", cairn.Errorf(cairn.ErrInvalid, "the route names the id of a workspace, such as T0123ABCD, and an e-mail address")
	}
	return workspace, email, nil
}

// setSlackPerson answers PUT /slack/people/{workspace}/{email}.
func (a *API) setSlackPerson(c *gin.Context) error {
	workspace, email, err := slackAddress(c)
	if err != nil {
		return err
	}
	var req struct {
		User string `json:"user"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	ctx := c.Request.Context()
	account, err := a.account(ctx, req.User)
	if err != nil {
		return err
	}
	p := SlackPerson{Workspace: workspace, Email: email, Account: account, By: auth.FromContext(ctx).Viewer.Account}
	if p.At, err = a.Store.SetSlackPerson(ctx, p); err != nil {
		return err
	}
	return reply(c, http.StatusOK, slackPersonOf(p))
}

// deleteSlackPerson answers DELETE /slack/people/{workspace}/{email}.
func (a *API) deleteSlackPerson(c *gin.Context) error {
	workspace, email, err := slackAddress(c)
	if err != nil {
		return err
	}
	if err := a.Store.DeleteSlackPerson(c.Request.Context(), workspace, email); err != nil {
		return err
	}
	return noContent(c)
}
