package main

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/openai"
	"github.com/cairnhq/cairn/server/scim"
)

// operations returns every route that an openapi.yaml describes, such as
// "GET /api/v1/documents/{id}", what deletes last.
func operations(t *testing.T) []string {
	t.Helper()
	all, err := described()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(all)
}

// described reads them once: that takes seconds under the race detector.
var described = sync.OnceValues(func() (all []string, err error) {
	for _, spec := range [][]byte{api.Spec(), scim.Spec(), openai.Spec()} {
		doc, err := openapi3.NewLoader().LoadFromData(spec)
		if err != nil {
			return nil, err
		}
		for path, item := range doc.Paths.Map() {
			for method := range item.Operations() {
				all = append(all, method+" "+path)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		return cmp.Or(strings.Count(a, http.MethodDelete)-strings.Count(b, http.MethodDelete), cmp.Compare(a, b))
	})
	return all, nil
})

// requests has an acceptable request for every route: the path, and the body after
// a blank. Names after a $ are those of things.
var requests = map[string]string{
	"POST /api/v1/search":                           `/api/v1/search {"query":"safe $begin","explain":true}`,
	"POST /api/v1/code/search":                      `/api/v1/code/search {"query":"$begin"}`,
	"GET /api/v1/suggest":                           `/api/v1/suggest?q=$begin`,
	"GET /api/v1/documents/{id}":                    `/api/v1/documents/$document`,
	"DELETE /api/v1/documents/{id}":                 `/api/v1/documents/$document`,
	"POST /api/v1/ask":                              `/api/v1/ask {"question":"What does the safe open with?"}`,
	"GET /api/v1/messages/{id}":                     `/api/v1/messages/$message`,
	"GET /api/v1/messages/{id}/stream":              `/api/v1/messages/$message/stream`,
	"DELETE /api/v1/messages/{id}/stream":           `/api/v1/messages/$message/stream`,
	"POST /api/v1/messages/{id}/feedback":           `/api/v1/messages/$message/feedback {"rating":"up"}`,
	"GET /api/v1/conversations":                     `/api/v1/conversations`,
	"GET /api/v1/conversations/{id}":                `/api/v1/conversations/$conversation`,
	"PATCH /api/v1/conversations/{id}":              `/api/v1/conversations/$conversation {"title":"mine"}`,
	"DELETE /api/v1/conversations/{id}":             `/api/v1/conversations/$conversation`,
	"GET /api/v1/models":                            `/api/v1/models`,
	"GET /api/v1/sources":                           `/api/v1/sources`,
	"GET /api/v1/sources/{name}":                    `/api/v1/sources/$source`,
	"POST /api/v1/sources":                          `/api/v1/sources {"name":"$new","kind":"push"}`,
	"PATCH /api/v1/sources/{name}":                  `/api/v1/sources/$source {}`,
	"POST /api/v1/sources/{name}/acl/preview":       `/api/v1/sources/$source/acl/preview {"acl":"everyone"}`,
	"DELETE /api/v1/sources/{name}":                 `/api/v1/sources/$source`,
	"POST /api/v1/sources/{name}/sync":              `/api/v1/sources/$folder/sync`,
	"POST /api/v1/sources/{name}/test":              `/api/v1/sources/$folder/test`,
	"POST /api/v1/sources/{name}/pause":             `/api/v1/sources/$folder/pause {"paused":false}`,
	"POST /api/v1/sources/{name}/cancel":            `/api/v1/sources/$folder/cancel`,
	"GET /api/v1/sources/{name}/runs":               `/api/v1/sources/$source/runs`,
	"GET /api/v1/sources/{name}/errors":             `/api/v1/sources/$source/errors`,
	"POST /api/v1/sources/{name}/errors/retry":      `/api/v1/sources/$folder/errors/retry`,
	"GET /api/v1/sources/{name}/documents":          `/api/v1/sources/$source/documents`,
	"PUT /api/v1/sources/{name}/documents":          `/api/v1/sources/$source/documents?id=b {"title":"b","text":"b"}`,
	"DELETE /api/v1/sources/{name}/documents":       `/api/v1/sources/$source/documents?id=$entry`,
	"POST /api/v1/sources/{name}/documents/batch":   `/api/v1/sources/$source/documents/batch {"id":"c","title":"c","text":"c"}`,
	"POST /api/v1/index/verify":                     `/api/v1/index/verify {"quick":true}`,
	"POST /api/v1/index/rebuild":                    `/api/v1/index/rebuild`,
	"POST /api/v1/secrets/rotate":                   `/api/v1/secrets/rotate`,
	"POST /api/v1/access/explain":                   `/api/v1/access/explain {"document_id":"$document"}`,
	"GET /api/v1/grants":                            `/api/v1/grants?all=true`,
	"POST /api/v1/grants":                           `/api/v1/grants {"user":"$user","source":"$folder","reason":"incident"}`,
	"DELETE /api/v1/grants/{id}":                    `/api/v1/grants/$grant`,
	"GET /api/v1/audit":                             `/api/v1/audit?limit=1`,
	"GET /api/v1/audit/export":                      `/api/v1/audit/export?action=index.rebuild`,
	"POST /api/v1/audit/verify":                     `/api/v1/audit/verify`,
	"GET /api/v1/reports/oversharing":               `/api/v1/reports/oversharing`,
	"POST /api/v1/reports/oversharing/scan":         `/api/v1/reports/oversharing/scan`,
	"GET /api/v1/erasures":                          `/api/v1/erasures`,
	"POST /api/v1/erasures/{id}/lift":               `/api/v1/erasures/$erasure/lift`,
	"POST /api/v1/erasures/clean":                   `/api/v1/erasures/clean`,
	"GET /api/v1/login":                             `/api/v1/login`,
	"POST /api/v1/login":                            `/api/v1/login {"code":""}`,
	"GET /api/v1/login/oidc":                        `/api/v1/login/oidc`,
	"GET /api/v1/login/oidc/callback":               `/api/v1/login/oidc/callback?code=x&state=y`,
	"POST /api/v1/login/device":                     `/api/v1/login/device {"code":"$device"}`,
	"POST /api/v1/login/device/decision":            `/api/v1/login/device/decision {"code":"$device","admit":false}`,
	"POST /oauth/device_authorization":              `/oauth/device_authorization client_id=cairn`,
	"POST /oauth/token":                             `/oauth/token client_id=cairn&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x`,
	"POST /api/v1/logout":                           `/api/v1/logout`,
	"GET /api/v1/me":                                `/api/v1/me`,
	"POST /api/v1/me/password":                      `/api/v1/me/password {"password":"seven penguins pay rent"}`,
	"GET /api/v1/users":                             `/api/v1/users`,
	"POST /api/v1/users":                            `/api/v1/users {"email":"$new@acme.test"}`,
	"GET /api/v1/users/{id}":                        `/api/v1/users/$user`,
	"PATCH /api/v1/users/{id}":                      `/api/v1/users/$user {"name":"Eve"}`,
	"POST /api/v1/users/{id}/code":                  `/api/v1/users/$user/code`,
	"DELETE /api/v1/users/{id}":                     `/api/v1/users/$user`,
	"DELETE /api/v1/users/{id}/password":            `/api/v1/users/$user/password`,
	"GET /api/v1/users/bindings":                    `/api/v1/users/bindings`,
	"POST /api/v1/users/bindings/{binding}/confirm": `/api/v1/users/bindings/$binding/confirm`,
	"DELETE /api/v1/users/bindings/{binding}":       `/api/v1/users/bindings/$binding`,
	"GET /api/v1/groups":                            `/api/v1/groups`,
	"POST /api/v1/groups":                           `/api/v1/groups {"name":"$new"}`,
	"PUT /api/v1/groups/{name}":                     `/api/v1/groups/$group {"members":[]}`,
	"DELETE /api/v1/groups/{name}":                  `/api/v1/groups/$group`,
	"GET /api/v1/tokens":                            `/api/v1/tokens`,
	"POST /api/v1/tokens":                           `/api/v1/tokens {"name":"t"}`,
	"DELETE /api/v1/tokens/{id}":                    `/api/v1/tokens/$token`,
	"POST /hooks/{source}":                          `/hooks/$folder {"zen":"x"}`,
	"POST /mcp":                                     `/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"query":"safe $begin"}}}`,
	"GET /mcp":                                      `/mcp`,
	"DELETE /mcp":                                   `/mcp`,
	"GET /.well-known/oauth-protected-resource":     `/.well-known/oauth-protected-resource`,
	"GET /.well-known/oauth-protected-resource/mcp": `/.well-known/oauth-protected-resource/mcp`,
	"POST /slack/events":                            `/slack/events {"type":"url_verification"}`,
	"POST /slack/interactions":                      `/slack/interactions payload=x`,
	"POST /slack/commands":                          `/slack/commands text=x`,
	"GET /api/openapi.yaml":                         `/api/openapi.yaml`,
	"GET /healthz":                                  `/healthz`,
	"GET /readyz":                                   `/readyz`,
	"GET /metrics":                                  `/metrics`,
	"GET /scim/v2/ServiceProviderConfig":            `/scim/v2/ServiceProviderConfig`,
	"GET /scim/v2/ResourceTypes":                    `/scim/v2/ResourceTypes`,
	"GET /scim/v2/ResourceTypes/{id}":               `/scim/v2/ResourceTypes/User`,
	"GET /scim/v2/Schemas":                          `/scim/v2/Schemas`,
	"GET /scim/v2/Schemas/{id}":                     `/scim/v2/Schemas/urn:ietf:params:scim:schemas:core:2.0:User`,
	"GET /scim/v2/Users":                            `/scim/v2/Users`,
	"POST /scim/v2/Users":                           `/scim/v2/Users {"userName":"$new@acme.test"}`,
	"GET /scim/v2/Users/{id}":                       `/scim/v2/Users/$user`,
	"PUT /scim/v2/Users/{id}":                       `/scim/v2/Users/$user {"displayName":"Eve"}`,
	"PATCH /scim/v2/Users/{id}":                     `/scim/v2/Users/$user {"Operations":[{"op":"replace","path":"displayName","value":"Eve"}]}`,
	"DELETE /scim/v2/Users/{id}":                    `/scim/v2/Users/$user`,
	"GET /scim/v2/Groups":                           `/scim/v2/Groups`,
	"POST /scim/v2/Groups":                          `/scim/v2/Groups {"displayName":"$new"}`,
	"GET /scim/v2/Groups/{id}":                      `/scim/v2/Groups/$provided`,
	"PUT /scim/v2/Groups/{id}":                      `/scim/v2/Groups/$provided {"members":[]}`,
	"PATCH /scim/v2/Groups/{id}":                    `/scim/v2/Groups/$provided {"Operations":[{"op":"remove","path":"members"}]}`,
	"DELETE /scim/v2/Groups/{id}":                   `/scim/v2/Groups/$provided`,
	"GET /scim/v2/openapi.yaml":                     `/scim/v2/openapi.yaml`,
	"POST /v1/chat/completions":                     `/v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"What does the safe open with?"}]}`,
	"GET /v1/models":                                `/v1/models`,
	"GET /v1/models/{id}":                           `/v1/models/extractive`,
	"GET /v1/openapi.yaml":                          `/v1/openapi.yaml`,

	"GET /api/v1/slack/people":                        `/api/v1/slack/people`,
	"PUT /api/v1/slack/people/{workspace}/{email}":    `/api/v1/slack/people/T0ACME/$new@acme.test {"user":"$user"}`,
	"DELETE /api/v1/slack/people/{workspace}/{email}": `/api/v1/slack/people/T0ACME/$slack`,
}

// called are calls of the other tools of POST /mcp, about the same things.
var called = []string{
	`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fetch","arguments":{"id":"$document"}}}`,
	`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":{"question":"What does the safe open with?"},"_meta":{"progressToken":1}}}`,
	`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"repo":"$source","path":"a.go"}}}`,
}

// carried are requests that name a thing in another place than the path of a route
// that is its own.
var carried = map[string][]string{
	"GET /api/v1/documents/{id}":       {`/api/v1/documents/$document?version=$version`},
	"POST /api/v1/ask":                 {`/api/v1/ask {"question":"And what else?","conversation_id":"$conversation"}`, `/api/v1/ask {"question":"And?","conversation_id":"$conversation","parent_message_id":"$message"}`, `/api/v1/ask {"question":"And?","parent_message_id":"$message","stream":true}`},
	"GET /api/v1/messages/{id}":        {`/api/v1/messages/$running`},
	"GET /api/v1/messages/{id}/stream": {`/api/v1/messages/$running/stream`},
}

// spent are routes, beside those that delete, that leave the last thing of their
// request such that it cannot be sent again.
var spent = []string{"POST /api/v1/login/device/decision", "POST /api/v1/users/bindings/{binding}/confirm", "POST /api/v1/sources/{name}/sync"}
