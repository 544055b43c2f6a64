package slack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// standing is what somebody in Slack is to the bot.
type standing string

const (
	member   standing = "member"   // full member of the workspace with a confirmed address and an account that was approved
	unmapped standing = "unmapped" // full member or an app of the workspace, without such an address or an account
	outsider standing = "outsider" // a guest, somebody of another workspace, or whose account is disabled
)

// profile is what Slack says of somebody.
type profile struct {
	standing standing
	email    string // folded; of others than members it proves nothing
	until    time.Time
}

// profileAge is how long what Slack says of members of a channel is used. Who asks is
// always looked up.
const profileAge = 2 * time.Minute

const maxProfiles = 10_000

// profile returns what Slack says of a user now or, unless fresh, a moment ago.
func (b *Bot) profile(ctx context.Context, user string, fresh bool) (profile, error) {
	b.mu.Lock()
	p, ok := b.people[user]
	b.mu.Unlock()
	if ok && !fresh && b.cfg.Now().Before(p.until) {
		return p, nil
	}
	var u *slack.User
	err := b.call(ctx, func() (err error) {
		u, err = b.api.GetUserInfoContext(ctx, user)
		return err
	})
	switch {
	case hasCode(err, "user_not_found", "user_not_visible"):
		p = profile{standing: outsider}
	case err != nil:
		return profile{}, problem("users.info", err)
	default:
		p = b.judge(u)
	}
	p.until = b.cfg.Now().Add(profileAge)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.people) >= maxProfiles {
		clear(b.people)
	}
	b.people[user] = p
	return p, nil
}

// judge says what a user is.
func (b *Bot) judge(u *slack.User) profile {
	email, ok := cairn.FoldAddress(u.Profile.Email)
	if !ok || !strings.Contains(email, "@") {
		email = ""
	}
	switch {
	case u.TeamID != b.cfg.Workspace, u.IsStranger, u.IsRestricted, u.IsUltraRestricted, u.IsInvitedUser:
		return profile{standing: outsider}
	case u.Deleted, u.IsBot, u.IsWorkflowBot, u.IsConnectorBot, !u.IsEmailConfirmed, email == "":
		return profile{standing: unmapped, email: email}
	}
	return profile{standing: member, email: email}
}

// holder returns the account of somebody in Slack. ok is false when there is none that is
// of use; then s says what she is.
func (b *Bot) holder(ctx context.Context, user string, fresh bool) (h auth.Holder, s standing, err error) {
	p, err := b.profile(ctx, user, fresh)
	if err != nil || p.standing != member {
		return auth.Holder{}, p.standing, err
	}
	known := slices.Contains(b.cfg.Domains, p.email[strings.LastIndexByte(p.email, '@')+1:])
	h, err = b.cfg.Store.Holder(ctx, b.cfg.Workspace, p.email, known)
	switch {
	case errors.Is(err, cairn.ErrNotFound):
		return auth.Holder{}, unmapped, nil
	case err != nil:
		return auth.Holder{}, "", err
	case h.Account.Disabled:
		return auth.Holder{}, outsider, nil
	}
	return h, member, nil
}

// unapproved returns as whom somebody without an account that was approved counts where
// others read along: as anybody, since nothing proves who she is, and as who has her
// address, since what is denied to that is not to be shown to her.
func (b *Bot) unapproved(ctx context.Context, user string) ([]cairn.Viewer, error) {
	anybody := cairn.Viewer{Keys: []cairn.PrincipalKey{cairn.Everyone}}
	p, err := b.profile(ctx, user, false)
	if err != nil || p.email == "" {
		return []cairn.Viewer{anybody}, err
	}
	h, err := b.cfg.Store.Holder(ctx, b.cfg.Workspace, p.email, true)
	if errors.Is(err, cairn.ErrNotFound) {
		return []cairn.Viewer{anybody, {Keys: []cairn.PrincipalKey{cairn.Everyone, cairn.UserKey(p.email)}}}, nil
	}
	return []cairn.Viewer{anybody, viewerOf(h)}, err
}

// viewerOf returns the viewer of an account in Slack. Grants in an emergency are for the
// browser, where each use of them is told.
func viewerOf(h auth.Holder) cairn.Viewer {
	v := auth.ViewerOf(h)
	v.Grants = nil
	return v
}
