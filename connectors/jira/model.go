package jira

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/cairnhq/cairn/connectors/internal/atlassian"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// api is what the connector asks of a site. Its two implementations, cloud and
// datacenter, differ in how they ask; what they return is the same.
type api interface {
	// me returns the account that the credential belongs to.
	me(ctx context.Context) (user, error)
	// projects yields the projects that the account sees, without archived ones.
	projects(ctx context.Context) iter.Seq2[project, error]
	// fields returns all fields of issues.
	fields(ctx context.Context) ([]field, error)
	// search yields the issues of a query by the page. An issue may come again; an error
	// means that not all have come.
	search(ctx context.Context, q query, zone *time.Location) iter.Seq2[[]issue, error]
	// comments returns all comments of an issue, by age.
	comments(ctx context.Context, id string) ([]comment, error)
	// scheme returns the permission scheme of a project.
	scheme(ctx context.Context, p project) ([]grant, error)
	// roles returns the ids of all roles of a project.
	roles(ctx context.Context, p project) ([]string, error)
	// role returns who has a role in a project.
	role(ctx context.Context, p project, id string) ([]actor, error)
	// levels returns the security levels that issues of a project may have.
	levels(ctx context.Context, p project) (levels, error)
	// applicationRoles returns all roles that make somebody a user of an application.
	applicationRoles(ctx context.Context) ([]applicationRole, error)
	// people returns what the site tells of accounts, by id; those that it does not know
	// are missing.
	people(ctx context.Context, ids []string) (map[string]user, error)
	// groups yields the groups of the site, in which those that are named are.
	groups(ctx context.Context, named []string) iter.Seq2[group, error]
	// members yields who is in a group or in one that belongs to it.
	members(ctx context.Context, g group) iter.Seq2[user, error]
	// download is the request for the bytes of an attachment.
	download(a attachment) remote.Request
	// text returns a text of an issue or a comment as HTML: as the site sent it, or as
	// the site renders it. The error is a failure of the document.
	text(raw, rendered json.RawMessage) (string, error)
	// shows returns the names of the files that a text shows, as far as it tells them:
	// empty where it does not.
	shows(raw json.RawMessage) []string
}

type project struct {
	ID             string `json:"id"`
	Key            string `json:"key"`
	Name           string `json:"name"`
	Lead           *user  `json:"lead"`
	ProjectTypeKey string `json:"projectTypeKey"`
	Simplified     bool   `json:"simplified"` // managed by its team, Cloud
	Archived       bool   `json:"archived"`
}

// field is a field of issues.
type field struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Custom bool   `json:"custom"`
	Schema struct {
		Type   string `json:"type"`
		Custom string `json:"custom"` // kind of a custom field
	} `json:"schema"`
}

// issue is an issue as a search returns it.
type issue struct {
	ID       string                     `json:"id"`
	Key      string                     `json:"key"`
	Fields   map[string]json.RawMessage `json:"fields"`
	Rendered map[string]json.RawMessage `json:"renderedFields"`
}

// value reads a field of an issue; the zero value where there is none of that form.
func value[T any](i issue, name string) T {
	var v, zero T
	if raw, ok := i.Fields[name]; !ok || json.Unmarshal(raw, &v) != nil {
		return zero
	}
	return v
}

// when reads a field that is a time.
func (i issue) when(name string) time.Time { return atlassian.Moment(value[string](i, name)) }

// named is something of Jira's that has a name.
type named struct {
	ID   string `json:"id"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

// link is a link from one issue to another.
type link struct {
	Type struct {
		Inward  string `json:"inward"`
		Outward string `json:"outward"`
	} `json:"type"`
	InwardIssue  *named `json:"inwardIssue"`
	OutwardIssue *named `json:"outwardIssue"`
}

type attachment struct {
	ID       flexible `json:"id"`
	Filename string   `json:"filename"`
	MimeType string   `json:"mimeType"`
	Size     int64    `json:"size"`
	Created  string   `json:"created"`
	Author   *user    `json:"author"`
}

// flexible is a text that may come as a number.
type flexible string

// UnmarshalJSON implements json.Unmarshaler.
func (f *flexible) UnmarshalJSON(b []byte) error {
	var n json.Number
	if json.Unmarshal(b, &n) == nil {
		*f = flexible(n.String())
		return nil
	}
	return json.Unmarshal(b, (*string)(f))
}

type comment struct {
	ID         flexible        `json:"id"`
	Author     *user           `json:"author"`
	Body       json.RawMessage `json:"body"`
	Rendered   json.RawMessage `json:"renderedBody"`
	Created    string          `json:"created"`
	JSDPublic  *bool           `json:"jsdPublic"` // Cloud: false is an internal comment
	Visibility json.RawMessage `json:"visibility"`
	Properties []struct {
		Key   string          `json:"key"`
		Value json.RawMessage `json:"value"`
	} `json:"properties"`
}

// restricted reports whether not all who see the issue see the comment.
func (c comment) restricted() bool {
	return len(c.Visibility) > 0 && string(c.Visibility) != "null"
}

// commentField is the field comment of an issue: its first comments.
type commentField struct {
	Comments []comment `json:"comments"`
	Total    int       `json:"total"`
}

// grant is a permission of a permission scheme.
type grant struct {
	Holder     holder `json:"holder"`
	Permission string `json:"permission"`
}

// holder is who has a permission, or belongs to a security level.
type holder struct {
	Type      string `json:"type"`
	Parameter string `json:"parameter"`
	User      *user  `json:"user"`
	Group     *group `json:"group"`
}

// actor is somebody who has a role in a project.
type actor struct {
	Type      string `json:"type"`
	Name      string `json:"name"` // Data Center: of the user or group
	ActorUser *user  `json:"actorUser"`
	Group     *group `json:"actorGroup"`
}

type group struct {
	ID   string `json:"groupId"` // Cloud
	Name string `json:"name"`
}

type applicationRole struct {
	Key    string   `json:"key"`
	Groups []string `json:"groups"`
}

// levels are the security levels that issues of a project may have.
type levels struct {
	members map[string][]holder // by id; those that are missing are unknown
	any     bool                // the project has some
}
