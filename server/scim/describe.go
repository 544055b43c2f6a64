package scim

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
)

// config answers GET /ServiceProviderConfig.
func (s *Service) config(c *gin.Context) error {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	return write(c, http.StatusOK, resource{
		"schemas":        []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":          supported(true),
		"bulk":           map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":         map[string]any{"supported": true, "maxResults": maxCount},
		"changePassword": supported(false),
		"sort":           supported(false),
		"etag":           supported(true),
		"authenticationSchemes": []map[string]any{{
			"type": "oauthbearertoken", "name": "Token", "primary": true,
			"description": "A token with the scope scim of an administrator's account: cairn token create --scope scim",
		}},
	})
}

// resourceTypes answers GET /ResourceTypes and /ResourceTypes/{id}.
func (s *Service) resourceTypes(c *gin.Context) error {
	kind := func(id, path, schema, description string) resource {
		return resource{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": id, "name": id,
			"endpoint": "/" + path, "schema": schema, "description": description,
			"meta": map[string]any{"resourceType": "ResourceType", "location": s.locate(c, "ResourceTypes", id)},
		}
	}
	return oneOrAll(c,
		kind("User", usersPath, userSchema, "An account"),
		kind("Group", groupsPath, groupSchema, "A group of the directory scim"))
}

// schemas answers GET /Schemas and /Schemas/{id}.
func (s *Service) schemas(c *gin.Context) error {
	schema := func(id, name, description string, attributes ...map[string]any) resource {
		return resource{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": id, "name": name,
			"description": description, "attributes": attributes,
			"meta": map[string]any{"resourceType": "Schema", "location": s.locate(c, "Schemas", id)},
		}
	}
	text := func(name, description string) map[string]any { return attribute(name, "string", description) }
	return oneOrAll(c,
		schema(userSchema, "User", "An account",
			with(text("userName", "Unique name, as a rule the address"), "required", true, "uniqueness", "server"),
			with(attribute("name", "complex", "Parts of the name"), "subAttributes", []map[string]any{
				text("formatted", "The whole name"), text("givenName", "The given name"), text("familyName", "The family name"),
			}),
			text("displayName", "The name that people see"),
			with(attribute("emails", "complex", "Addresses; the primary one identifies the person and counts as verified"),
				"multiValued", true, "subAttributes", []map[string]any{
					text("value", "The address"), text("type", "work, home or other"),
					attribute("primary", "boolean", "Whether it is the one that counts"),
				}),
			attribute("active", "boolean", "Whether the person may use Cairn"),
			with(text("externalId", "As the provider calls it"), "caseExact", true)),
		schema(groupSchema, "Group", "A group; in ACLs group:scim:<displayName>",
			with(text("displayName", "Unique name"), "required", true, "uniqueness", "server"),
			with(text("externalId", "As the provider calls it"), "caseExact", true),
			with(attribute("members", "complex", "Accounts and groups"), "multiValued", true, "subAttributes", []map[string]any{
				with(text("value", "The id"), "mutability", "immutable", "caseExact", true),
				with(text("type", "User or Group"), "mutability", "immutable"),
				with(text("display", "The name that people see"), "mutability", "readOnly"),
			})))
}

// attribute describes an attribute that may be read and written.
func attribute(name, kind, description string) map[string]any {
	return map[string]any{
		"name": name, "type": kind, "description": description, "multiValued": false, "required": false, "caseExact": false,
		"mutability": "readWrite", "returned": "default", "uniqueness": "none",
	}
}

// with changes what a description says: names and values alternate.
func with(a map[string]any, changes ...any) map[string]any {
	for i := 0; i+1 < len(changes); i += 2 {
		if name, ok := changes[i].(string); ok {
			a[name] = changes[i+1]
		}
	}
	return a
}

// oneOrAll answers with the resource that the path names, or with all of them.
func oneOrAll(c *gin.Context, all ...resource) error {
	id := c.Param("id")
	if id == "" {
		return write(c, http.StatusOK, listOf(all, len(all), 1))
	}
	for _, r := range all {
		if r["id"] == id {
			return write(c, http.StatusOK, r)
		}
	}
	return cairn.ErrNotFound
}
