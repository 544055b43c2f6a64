package scim

import (
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// The schemas of the resources and of lists.
const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	listSchema  = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// resource is what is written of a user or a group: attributes by name.
type resource map[string]any

// locate returns the address of a resource.
func (s *Service) locate(c *gin.Context, kind, id string) string {
	base := s.cfg.BaseURL
	if base == "" {
		base = "http://" + c.Request.Host
	}
	return base + prefix + "/" + kind + "/" + id
}

func (s *Service) metaOf(c *gin.Context, kind, id string, created, changed time.Time, revision int64) map[string]any {
	return map[string]any{
		"resourceType": strings.TrimSuffix(kind, "s"), "created": created.UTC(), "lastModified": changed.UTC(),
		"version": versionOf(revision), "location": s.locate(c, kind, id),
	}
}

func (s *Service) userOf(c *gin.Context, u User) resource {
	name := map[string]string{}
	for part, text := range map[string]string{
		"formatted": u.Profile.Formatted, "givenName": u.Profile.GivenName, "familyName": u.Profile.FamilyName,
	} {
		if text != "" {
			name[part] = text
		}
	}
	emails := u.Profile.Emails
	if len(emails) == 0 && u.Address != "" {
		emails = []Email{{u.Address, "work", true}}
	}
	r := resource{
		"schemas": []string{userSchema}, "id": u.ID, "userName": u.UserName, "active": u.Active,
		"meta": s.metaOf(c, usersPath, string(u.ID), u.Created, u.Changed, u.Revision),
	}
	r.add("externalId", u.ExternalID != "", u.ExternalID)
	r.add("displayName", u.Display != "", u.Display)
	r.add("name", len(name) > 0, name)
	r.add("emails", len(emails) > 0, emails)
	return r
}

func (s *Service) groupOf(c *gin.Context, g Group, members bool) resource {
	r := resource{
		"schemas": []string{groupSchema}, "id": g.ID, "displayName": g.Display,
		"meta": s.metaOf(c, groupsPath, g.ID, g.Created, g.Changed, g.Revision),
	}
	r.add("externalId", g.ExternalID != "", g.ExternalID)
	if members {
		list := make([]map[string]string, len(g.Members))
		for i, m := range g.Members {
			kind := usersPath
			if m.Group {
				kind = groupsPath
			}
			list[i] = map[string]string{
				"value": m.ID, "display": m.Display, "type": strings.TrimSuffix(kind, "s"), "$ref": s.locate(c, kind, m.ID),
			}
		}
		r["members"] = list
	}
	return r
}

func (r resource) add(name string, there bool, value any) {
	if there {
		r[name] = value
	}
}

// wanted says which attributes a request asks for.
type wanted struct {
	only, without []string // in lower case, without sub-attributes; only empty: all
}

func wantedOf(c *gin.Context) wanted {
	return wanted{attributeList(c.Query("attributes")), attributeList(c.Query("excludedAttributes"))}
}

func attributeList(s string) []string {
	var out []string
	for name := range strings.SplitSeq(s, ",") {
		if name, ok := attributeOf(strings.TrimSpace(name)); ok {
			if !strings.HasPrefix(name, "urn:") {
				name, _, _ = strings.Cut(name, ".")
			}
			out = append(out, name)
		}
	}
	return out
}

// has reports whether an attribute is wanted. What names a resource always is.
func (w wanted) has(name string) bool {
	name = strings.ToLower(name)
	switch {
	case name == "schemas" || name == "id" || name == "meta":
		return true
	case len(w.only) > 0:
		return slices.Contains(w.only, name)
	}
	return !slices.Contains(w.without, name)
}

// of returns what is wanted of a resource.
func (w wanted) of(r resource) resource {
	out := make(resource, len(r))
	for name, value := range r {
		out.add(name, w.has(name), value)
	}
	return out
}

// listOf is a page of resources.
func listOf(resources []resource, total, start int) any {
	return struct {
		Schemas      []string   `json:"schemas"`
		TotalResults int        `json:"totalResults"`
		StartIndex   int        `json:"startIndex"`
		ItemsPerPage int        `json:"itemsPerPage"`
		Resources    []resource `json:"Resources"`
	}{[]string{listSchema}, total, start, len(resources), resources}
}
