package slack

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
)

// people are those that users.list names: of the workspace, deactivated ones, bots, and
// people of others who share a channel.
type people struct {
	byID             map[string]user
	team, enterprise string
}

// name is what a person is called.
func (p people) name(id string) string {
	u, ok := p.byID[id]
	if !ok {
		return ""
	}
	return line(cmp.Or(u.Profile.RealName, u.Profile.DisplayName, u.Name))
}

// author is who wrote a message.
func (p people) author(m message) string {
	return cmp.Or(p.name(m.User), line(m.UserProfile.RealName), line(m.UserProfile.DisplayName), line(m.Username), "Somebody")
}

// address is the address by which a person of the workspace is let in; "" for a bot, who
// is deactivated, belongs to another workspace, or has no confirmed address.
func (p people) address(id string) string {
	u, ok := p.byID[id]
	own := u.TeamID == p.team || u.Enterprise.ID != "" && u.Enterprise.ID == p.enterprise && slices.Contains(u.Enterprise.Teams, p.team)
	if !ok || !own || p.team == "" || u.Deleted || u.Bot || u.Stranger || u.ID == "USLACKBOT" || u.EmailConfirmed != nil && !*u.EmailConfirmed {
		return ""
	}
	if address := strings.TrimSpace(u.Profile.Email); cairn.UserKey(address).Valid() {
		return address
	}
	return ""
}

// isGuest reports whether a person may read the channels alone that they are in.
func (u user) isGuest() bool { return u.Guest || u.SingleGuest }

// line makes one line of a text.
func line(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
}
