package main

import (
	"fmt"
	"strings"
)

// twinRequest is a request of Bob's. A name in braces, such as {travel}, is the id of
// that document, {hidden} of one that he may not read or, where there is none, of
// nothing; {message_id} and the like are what the last reply that had one called so.
type twinRequest struct{ method, path, body string }

// twinRequests are several for every route of openapi.yaml, in an order that makes sense.
func twinRequests() (all []twinRequest) {
	for _, query := range []string{
		"meals", "travel expenses in Oslo", `\"per night\"`, "hotel -budget", "Reisekosten im Hotel", "zephyrium budget", "getUserById v1.2.3",
		"which budget is for the quarterly review of the server backup and every invoice", "40 EUR", "badge reader battery",
	} {
		for _, mode := range []string{"lexical", "dense", "hybrid"} {
			all = append(all, twinRequest{"POST", "/api/v1/search", fmt.Sprintf(`{"query":"%s","mode":"%s","limit":100,"explain":true}`, query, mode)})
		}
	}
	for _, narrowed := range []string{
		`"sources":["handbook"]`, `"sources":["vault"]`, `"sources":["inbox","wiki"]`, `"sources":["nowhere"]`,
		`"filters":{"author":"ann example"}`, `"filters":{"author":"Ben Example"}`, `"filters":{"attributes":{"team":"x"}}`, `"filters":{"attributes":{"team":"y"}}`,
		`"filters":{"kind":"page"}`, `"filters":{"kind":"pdf"}`, `"filters":{"updated_after":"2026-03-15T00:00:00Z"}`, `"filters":{"updated_before":"2026-03-15T00:00:00Z"}`,
	} {
		for _, mode := range []string{"lexical", "dense", "hybrid"} {
			all = append(all, twinRequest{"POST", "/api/v1/search", fmt.Sprintf(`{"query":"travel budget","mode":"%s","limit":20,%s}`, mode, narrowed)})
		}
	}
	for line := range strings.Lines(otherRequests) {
		if line = strings.TrimSpace(line); line != "" {
			method, rest, _ := strings.Cut(line, " ")
			path, body, _ := strings.Cut(rest, " ")
			all = append(all, twinRequest{method, path, body})
		}
	}
	return all
}

// The list of what inbox has is not among them: who writes to a source is told the names
// of all its documents.
const otherRequests = `
POST /api/v1/search {"query":"travel budget","limit":4}
POST /api/v1/search {"query":"travel budget","limit":4,"cursor":"{next_cursor}"}
POST /api/v1/search {"query":"travel budget","limit":4,"cursor":"{next_cursor}"}
POST /api/v1/search {"query":"another","limit":4,"cursor":"{next_cursor}"}
POST /api/v1/search {"query":""}
POST /api/v1/code/search {"query":"budget","limit":100}
POST /api/v1/code/search {"query":"travel_budget","kind":"symbol","limit":100}
POST /api/v1/code/search {"query":"b.dget","kind":"regex","limit":3}
POST /api/v1/code/search {"query":"b","kind":"reference"}
POST /api/v1/code/search {"query":"(","kind":"regex"}
POST /api/v1/search {"query":"travel","mode":"psychic"}
GET /api/v1/suggest?q=t&limit=20
GET /api/v1/suggest?q=trav
GET /api/v1/suggest?q=expenses&limit=20
GET /api/v1/suggest?q=note+on+b
GET /api/v1/suggest?q=zeph
GET /api/v1/suggest?q=
GET /api/v1/documents/{travel}
GET /api/v1/documents/{travel}?version={version}
GET /api/v1/documents/{travel}?version=ffff
GET /api/v1/documents/{equal-2}
GET /api/v1/documents/{hidden}
GET /api/v1/documents/{hidden}?version={version}
GET /api/v1/documents/nothing
DELETE /api/v1/documents/{travel}
DELETE /api/v1/documents/{hidden}
DELETE /api/v1/documents/{note-03}

POST /api/v1/ask {"question":"How much is paid for meals a day?"}
GET /api/v1/messages/{message_id}
GET /api/v1/messages/{message_id}/stream
DELETE /api/v1/messages/{message_id}/stream
POST /api/v1/messages/{message_id}/feedback {"rating":"down","reason":"outdated","comment":"old"}
GET /api/v1/messages/{message_id}
POST /api/v1/ask {"question":"And what is the limit per night in Oslo?","conversation_id":"{conversation_id}","stream":true}
POST /api/v1/ask {"question":"And for a hotel?","conversation_id":"{conversation_id}","parent_message_id":"{message_id}"}
GET /api/v1/conversations/{conversation_id}
PATCH /api/v1/conversations/{conversation_id} {"title":"Travelling"}
POST /api/v1/ask {"question":"How much is paid for meals a day?","model":"extractive","stream":true}
POST /api/v1/ask {"question":"What is zephyrium?","model":"extractive"}
POST /api/v1/ask {"question":"What is zephyrium?","stream":true}
POST /api/v1/ask {"question":"Wie hoch sind die Reisekosten im Hotel?","model":"extractive"}
POST /api/v1/ask {"question":"What does getUserById return?","model":"extractive","sources":["wiki","vault"]}
POST /api/v1/ask {"question":"What is the budget?","model":"extractive","sources":["vault"]}
POST /api/v1/ask {"question":"What is the budget?","model":"extractive","filters":{"author":"Ben Example"}}
POST /api/v1/ask {"question":"What is the budget?","model":"none of that name"}
POST /api/v1/ask {"question":"What is the budget?","conversation_id":"{hidden}"}
POST /api/v1/ask {"question":""}
GET /api/v1/conversations
GET /api/v1/conversations?limit=2
GET /api/v1/conversations?limit=2&cursor={next_cursor}
DELETE /api/v1/conversations/{conversation_id}
GET /api/v1/conversations/{conversation_id}
GET /api/v1/messages/{hidden}
GET /api/v1/messages/{hidden}/stream
GET /api/v1/models

GET /api/v1/sources
GET /api/v1/sources?limit=1
GET /api/v1/sources?limit=1&cursor={next_cursor}
GET /api/v1/sources/handbook
GET /api/v1/sources/wiki
GET /api/v1/sources/vault
GET /api/v1/sources/nowhere
POST /api/v1/access/explain {"document_id":"{travel}"}
POST /api/v1/access/explain {"document_id":"{reise}"}
POST /api/v1/access/explain {"document_id":"{hidden}"}
POST /api/v1/access/explain {"document_id":"{travel}","user":"ann@acme.test"}

PUT /api/v1/sources/inbox/documents?id=mine {"title":"Mine","text":"The falcon of the tower is mine and travels on a budget.","updated_at":"2026-09-01T08:00:00Z"}
PUT /api/v1/sources/inbox/documents?id=mine {"title":"Mine","text":"The falcon of the tower is mine and travels on a large budget.","updated_at":"2026-09-02T08:00:00Z"}
POST /api/v1/search {"query":"falcon tower travel budget","limit":5,"explain":true}
POST /api/v1/sources/inbox/documents/batch {"id":"also-mine","title":"Travel expenses","text":"Meals are paid up to 41 EUR a day.","updated_at":"2026-09-03T08:00:00Z"}
POST /api/v1/search {"query":"meals travel","limit":5,"explain":true}
GET /api/v1/sources/wiki/documents
GET /api/v1/sources/vault/documents
GET /api/v1/sources/nowhere/documents
DELETE /api/v1/sources/inbox/documents?id=mine
DELETE /api/v1/sources/inbox/documents?id=mine
PUT /api/v1/sources/wiki/documents?id=mine {"title":"Mine","text":"x"}
PUT /api/v1/sources/vault/documents?id=mine {"title":"Mine","text":"x"}
PUT /api/v1/sources/nowhere/documents?id=mine {"title":"Mine","text":"x"}
DELETE /api/v1/sources/vault/documents?id=hidden-0000
POST /api/v1/sources/vault/documents/batch {"id":"hidden-0000","delete":true}

GET /api/v1/me
GET /api/v1/tokens
POST /api/v1/tokens {"name":"mine","scopes":["search"]}
GET /api/v1/tokens?limit=1
DELETE /api/v1/tokens/{id}
DELETE /api/v1/tokens/{hidden}
GET /api/v1/login
GET /api/v1/login?failed=denied
POST /api/v1/login {"code":"AAAA-BBBB-CCCC-DDDD"}
GET /api/v1/login/oidc
GET /api/v1/login/oidc/callback?code=x&state=y
POST /api/v1/login {"email":"bob@acme.test","password":"seven penguins pay rent"}
POST /api/v1/me/password {"password":"seven penguins pay rent"}
POST /api/v1/login/device {"code":"BCDF-GHJK"}
POST /api/v1/login/device/decision {"code":"BCDF-GHJK","admit":true}
POST /oauth/device_authorization {}
POST /oauth/token {}
POST /api/v1/logout
POST /hooks/handbook {"zen":"x"}
POST /hooks/vault {"zen":"x"}
POST /hooks/nowhere {"zen":"x"}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/list"}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"query":"travel budget"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"query":"zephyrium budget"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fetch","arguments":{"id":"{travel}"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fetch","arguments":{"id":"{hidden}"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_code","arguments":{"query":"getUserById"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_code","arguments":{"query":"getUserById","kind":"symbol"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"repo":"handbook","path":"travel"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"repo":"vault","path":"hidden-0000"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"question":"How much is paid for meals a day?"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"question":"What is zephyrium?"}}}
POST /mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_sources"}}
GET /mcp
DELETE /mcp
GET /.well-known/oauth-protected-resource
GET /.well-known/oauth-protected-resource/mcp
POST /slack/events {"type":"url_verification"}
POST /slack/interactions payload=x
POST /slack/commands text=x
GET /healthz
GET /readyz
GET /metrics
GET /api/openapi.yaml
GET /
GET /documents/{hidden}
GET /api/v1/nothing

POST /api/v1/sources {"name":"vault","kind":"push"}
PATCH /api/v1/sources/vault {"acl":"everyone"}
DELETE /api/v1/sources/vault
POST /api/v1/sources/vault/sync
POST /api/v1/sources/vault/test
POST /api/v1/sources/vault/pause
POST /api/v1/sources/vault/cancel
GET /api/v1/sources/vault/runs
GET /api/v1/sources/vault/errors
POST /api/v1/sources/vault/errors/retry
POST /api/v1/sources/vault/acl/preview {"acl":"everyone"}
POST /api/v1/index/verify {"quick":true}
POST /api/v1/index/rebuild
POST /api/v1/secrets/rotate
GET /api/v1/audit
GET /api/v1/audit/export
POST /api/v1/audit/verify
GET /api/v1/reports/oversharing
POST /api/v1/reports/oversharing/scan
GET /api/v1/grants
POST /api/v1/grants {"user":"bob@acme.test","source":"vault","reason":"incident"}
DELETE /api/v1/grants/{hidden}
DELETE /api/v1/users/ann@acme.test/password
GET /api/v1/erasures
POST /api/v1/erasures/{hidden}/lift
POST /api/v1/erasures/clean
GET /api/v1/users
POST /api/v1/users {"email":"eve@acme.test"}
GET /api/v1/users/ann@acme.test
PATCH /api/v1/users/ann@acme.test {"name":"Ann"}
DELETE /api/v1/users/ann@acme.test
POST /api/v1/users/ann@acme.test/code
GET /api/v1/users/bindings
POST /api/v1/users/bindings/{hidden}/confirm
DELETE /api/v1/users/bindings/{hidden}
GET /api/v1/slack/people
PUT /api/v1/slack/people/T0ACME/ann@acme.test {"user":"ann@acme.test"}
DELETE /api/v1/slack/people/T0ACME/ann@acme.test
GET /api/v1/groups
POST /api/v1/groups {"name":"ops"}
PUT /api/v1/groups/finance {"members":["bob@acme.test"]}
DELETE /api/v1/groups/finance

GET /scim/v2/ServiceProviderConfig
GET /scim/v2/ResourceTypes
GET /scim/v2/ResourceTypes/User
GET /scim/v2/Schemas
GET /scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User
GET /scim/v2/Users
POST /scim/v2/Users {"userName":"eve@acme.test"}
GET /scim/v2/Users/{hidden}
PUT /scim/v2/Users/{hidden} {"userName":"eve@acme.test"}
PATCH /scim/v2/Users/{hidden} {"Operations":[]}
DELETE /scim/v2/Users/{hidden}
GET /scim/v2/Groups
POST /scim/v2/Groups {"displayName":"ops"}
GET /scim/v2/Groups/{hidden}
PUT /scim/v2/Groups/{hidden} {"displayName":"ops"}
PATCH /scim/v2/Groups/{hidden} {"Operations":[]}
DELETE /scim/v2/Groups/{hidden}
GET /scim/v2/openapi.yaml

POST /v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"How much is paid for meals a day?"}]}
POST /v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"How much is paid for meals a day?"}],"stream":true,"stream_options":{"include_usage":true}}
POST /v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"What is zephyrium?"}]}
POST /v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"What is the budget?"}],"cairn":{"sources":["vault"]}}
POST /v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"What is zephyrium?"},{"role":"assistant","content":"A metal."},{"role":"user","content":"And what does it cost?"}]}
GET /v1/models
GET /v1/models/extractive
GET /v1/models/{hidden}
GET /v1/openapi.yaml
`
