package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// Config is what the API works with.
type Config struct {
	Store       Store
	Auth        *auth.Authenticator
	Search      Searcher
	Code        CodeSearcher
	Ask         Asker
	Push        Pusher
	Jobs        Jobs
	Index       Index
	Kinds       connectors.Registry
	Environment connectors.Environment
	Models      []Model // that can be asked for by name; the extractive one is added
	// BaseURL is the scheme and host under which people and webhooks reach the server;
	// empty: unknown.
	BaseURL string
	Log     *slog.Logger
	// Erased is called after every erasure that somebody asked for, before it is
	// confirmed. It may be nil.
	Erased func(ctx context.Context)
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Model is a model that answers.
type Model struct {
	Name    string
	Default bool // answers when none is named
}

// API answers the requests under /api/v1. It may be used by several goroutines
// at once.
type API struct {
	Config
	heartbeat time.Duration // between comments on a silent stream
	recheck   time.Duration // between checks of who reads a stream
	uploads   uploads
}

// New returns the API.
func New(cfg Config) *API {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &API{Config: cfg, heartbeat: 15 * time.Second, recheck: 3 * time.Second, uploads: newUploads()}
}

// Routes returns every route of the API with who may use it and what the audit
// log says of it: the one table of roles, scopes and actions. docs/access.md has what
// comes of it for every kind of caller, and is held against it.
func (a *API) Routes() []server.Route {
	const (
		get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
		admin, auditor             = cairn.RoleAdmin, cairn.RoleAuditor
	)
	routes := []server.Route{
		{Method: post, Path: "/search", Scope: cairn.ScopeSearch, Audit: audit.Search, Handle: a.search},
		{Method: post, Path: "/code/search", Scope: cairn.ScopeSearch, Audit: audit.CodeSearch, Handle: a.searchCode},
		{Method: get, Path: "/suggest", Scope: cairn.ScopeSearch, Handle: a.suggest},
		{Method: get, Path: "/documents/:id", Scope: cairn.ScopeRead, Audit: audit.DocumentRead, Handle: a.getDocument},
		// Who may erase one is decided by its source: see erasable.
		{Method: del, Path: "/documents/:id", Scope: cairn.ScopeWrite, Audit: audit.DocumentDelete, Handle: a.eraseDocument, Long: true},

		{Method: post, Path: "/ask", Scope: cairn.ScopeAsk, Audit: audit.Ask, Handle: a.ask, Long: true},
		{Method: get, Path: "/messages/:id", Scope: cairn.ScopeAsk, Audit: audit.AnswerRead, Handle: a.getMessage},
		{Method: get, Path: "/messages/:id/stream", Scope: cairn.ScopeAsk, Audit: audit.AnswerRead, Handle: a.follow, Long: true},
		{Method: del, Path: "/messages/:id/stream", Scope: cairn.ScopeAsk, Handle: a.stop},
		{Method: post, Path: "/messages/:id/feedback", Scope: cairn.ScopeAsk, Handle: a.giveFeedback},
		{Method: get, Path: "/conversations", Scope: cairn.ScopeAsk, Handle: a.listConversations},
		{Method: get, Path: "/conversations/:id", Scope: cairn.ScopeAsk, Audit: audit.AnswerRead, Handle: a.getConversation},
		{Method: patch, Path: "/conversations/:id", Scope: cairn.ScopeAsk, Handle: a.renameConversation},
		{Method: del, Path: "/conversations/:id", Scope: cairn.ScopeAsk, Audit: audit.ConversationDelete, Handle: a.deleteConversation},
		{Method: get, Path: "/models", Scope: cairn.ScopeAsk, Handle: a.listModels},

		{Method: get, Path: "/sources", Scope: cairn.ScopeRead, Handle: a.listSources},
		{Method: get, Path: "/sources/:name", Scope: cairn.ScopeRead, Handle: a.getSource},
		{Method: post, Path: "/sources", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceCreate, Handle: a.createSource},
		{Method: patch, Path: "/sources/:name", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceUpdate, Handle: a.updateSource},
		{Method: post, Path: "/sources/:name/acl/preview", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourcePreview, Handle: a.previewSource},
		{Method: del, Path: "/sources/:name", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceDelete, Handle: a.deleteSource, Long: true},
		{Method: post, Path: "/sources/:name/sync", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceSync, Handle: a.syncSource},
		{Method: post, Path: "/sources/:name/test", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceTest, Handle: a.testSource},
		{Method: post, Path: "/sources/:name/pause", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceUpdate, Handle: a.pauseSource},
		{Method: post, Path: "/sources/:name/cancel", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceCancel, Handle: a.cancelSync},
		{Method: get, Path: "/sources/:name/runs", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listRuns},
		{Method: get, Path: "/sources/:name/errors", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceErrors, Handle: a.listErrors},
		{Method: post, Path: "/sources/:name/errors/retry", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SourceRetry, Handle: a.retryErrors},

		{Method: post, Path: "/secrets/rotate", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SecretsRotate, Handle: a.rotateSecrets, Long: true},

		// Who may push is decided by the source: see writable.
		{Method: get, Path: "/sources/:name/documents", Scope: cairn.ScopeWrite, Audit: audit.DocumentList, Handle: a.listPushed},
		{Method: put, Path: "/sources/:name/documents", Scope: cairn.ScopeWrite, Audit: audit.DocumentPush, Handle: a.putDocument, Long: true},
		{Method: del, Path: "/sources/:name/documents", Scope: cairn.ScopeWrite, Audit: audit.DocumentDelete, Handle: a.deleteDocument},
		{Method: post, Path: "/sources/:name/documents/batch", Scope: cairn.ScopeWrite, Audit: audit.DocumentPush, Handle: a.pushBatch, Long: true},

		{Method: post, Path: "/index/verify", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.IndexVerify, Handle: a.verifyIndex, Long: true},
		{Method: post, Path: "/index/rebuild", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.IndexRebuild, Handle: a.rebuildIndex, Long: true},

		// Who may be asked about is decided by the handler: see explainAccess.
		{Method: post, Path: "/access/explain", Scope: cairn.ScopeRead, Audit: audit.AccessExplain, Handle: a.explainAccess},
		{Method: get, Path: "/audit", Scope: cairn.ScopeAdmin, Role: auditor, Audit: audit.AuditRead, Handle: a.listAudit},
		{Method: get, Path: "/audit/export", Scope: cairn.ScopeAdmin, Role: auditor, Audit: audit.AuditExport, Handle: a.exportAudit, Long: true},
		{Method: post, Path: "/audit/verify", Scope: cairn.ScopeAdmin, Role: auditor, Audit: audit.AuditVerify, Handle: a.verifyAudit, Long: true},
		{Method: get, Path: "/reports/oversharing", Scope: cairn.ScopeAdmin, Role: auditor, Audit: audit.ReportRead, Handle: a.reportOversharing},
		{Method: post, Path: "/reports/oversharing/scan", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.ReportScan, Handle: a.requestScan},

		{Method: get, Path: "/erasures", Scope: cairn.ScopeAdmin, Role: auditor, Handle: a.listErasures},
		{Method: post, Path: "/erasures/:id/lift", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.ErasureLift, Handle: a.liftErasure},
		{Method: post, Path: "/erasures/clean", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.ErasureClean, Handle: a.cleanErasures, Long: true},

		{Method: get, Path: "/grants", Scope: cairn.ScopeAdmin, Role: auditor, Handle: a.listGrants},
		{Method: post, Path: "/grants", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.GrantCreate, Handle: a.createGrant},
		{Method: del, Path: "/grants/:id", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.GrantRevoke, Handle: a.revokeGrant},

		{Method: get, Path: "/login", Public: true, Handle: a.waysIn},
		{Method: post, Path: "/login", Public: true, Audit: audit.SignIn, Handle: a.login},
		{Method: get, Path: "/login/oidc", Public: true, Handle: a.beginOIDC},
		{Method: get, Path: "/login/oidc/callback", Public: true, Audit: audit.SignIn, Handle: a.finishOIDC},
		// A program is let in by a session alone: see Authenticator.OpenDevice.
		{Method: post, Path: "/login/device", Scope: cairn.ScopeAdmin, Handle: a.showDevice},
		{Method: post, Path: "/login/device/decision", Scope: cairn.ScopeAdmin, Audit: audit.TokenCreate, Handle: a.decideDevice},
		{Method: post, Path: "/logout", Audit: audit.SignOut, Handle: a.logout},
		{Method: get, Path: "/me", Handle: a.me},
		{Method: post, Path: "/me/password", Scope: cairn.ScopeAdmin, Audit: audit.PasswordSet, Handle: a.setPassword},
		{Method: get, Path: "/users", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listUsers},
		{Method: post, Path: "/users", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.AccountCreate, Handle: a.createUser},
		{Method: get, Path: "/users/:id", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.getUser},
		{Method: patch, Path: "/users/:id", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.AccountUpdate, Handle: a.updateUser},
		{Method: post, Path: "/users/:id/code", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.AccountCode, Handle: a.createCode},
		{Method: del, Path: "/users/:id/password", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.PasswordRemove, Handle: a.resetPassword},
		{Method: get, Path: "/users/bindings", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listBindings},
		{Method: post, Path: "/users/bindings/:binding/confirm", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.BindingConfirm, Handle: a.confirmBinding},
		{Method: del, Path: "/users/bindings/:binding", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.BindingDismiss, Handle: a.dismissBinding},
		{Method: del, Path: "/users/:id", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.AccountDelete, Handle: a.eraseUser, Long: true},
		{Method: get, Path: "/slack/people", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listSlackPeople},
		{Method: put, Path: "/slack/people/:workspace/:email", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SlackApprove, Handle: a.setSlackPerson},
		{Method: del, Path: "/slack/people/:workspace/:email", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.SlackRemove, Handle: a.deleteSlackPerson},
		{Method: get, Path: "/groups", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listGroups},
		{Method: post, Path: "/groups", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.GroupCreate, Handle: a.createGroup},
		{Method: put, Path: "/groups/:name", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.GroupUpdate, Handle: a.setGroup},
		{Method: del, Path: "/groups/:name", Scope: cairn.ScopeAdmin, Role: admin, Audit: audit.GroupDelete, Handle: a.deleteGroup},
		// Everybody manages the own tokens; those of others are for administrators.
		{Method: get, Path: "/tokens", Scope: cairn.ScopeAdmin, Handle: a.listTokens},
		{Method: post, Path: "/tokens", Scope: cairn.ScopeAdmin, Audit: audit.TokenCreate, Handle: a.createToken},
		{Method: del, Path: "/tokens/:id", Scope: cairn.ScopeAdmin, Audit: audit.TokenRevoke, Handle: a.revokeToken},
	}
	for i := range routes {
		routes[i].Path = "/api/v1" + routes[i].Path
	}
	routes = append(routes, a.oauthRoutes()...)
	return append(routes, server.Route{Method: get, Path: "/api/openapi.yaml", Public: true, Handle: spec})
}
