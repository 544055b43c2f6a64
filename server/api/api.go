package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
)

// Config is what the API works with.
type Config struct {
	Store       Store
	Auth        *auth.Authenticator
	Search      Searcher
	Ask         Asker
	Push        Pusher
	Jobs        Jobs
	Index       Index
	Kinds       connectors.Registry
	Environment connectors.Environment
	Models      []Model // that can be asked for by name; the extractive one is added
	Log         *slog.Logger
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

// Routes returns every route of the API with who may use it: the one table of
// roles and scopes.
func (a *API) Routes() []server.Route {
	const (
		get, post, put, patch, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete
		admin, auditor             = cairn.RoleAdmin, cairn.RoleAuditor
	)
	routes := []server.Route{
		{Method: post, Path: "/search", Scope: cairn.ScopeSearch, Handle: a.search},
		{Method: get, Path: "/suggest", Scope: cairn.ScopeSearch, Handle: a.suggest},
		{Method: get, Path: "/documents/:id", Scope: cairn.ScopeRead, Handle: a.getDocument},
		// Who may erase one is decided by its source: see erasable.
		{Method: del, Path: "/documents/:id", Scope: cairn.ScopeWrite, Handle: a.eraseDocument, Long: true},

		{Method: post, Path: "/ask", Scope: cairn.ScopeAsk, Handle: a.ask, Long: true},
		{Method: get, Path: "/messages/:id", Scope: cairn.ScopeAsk, Handle: a.getMessage},
		{Method: get, Path: "/messages/:id/stream", Scope: cairn.ScopeAsk, Handle: a.follow, Long: true},
		{Method: del, Path: "/messages/:id/stream", Scope: cairn.ScopeAsk, Handle: a.stop},
		{Method: post, Path: "/messages/:id/feedback", Scope: cairn.ScopeAsk, Handle: a.giveFeedback},
		{Method: get, Path: "/conversations", Scope: cairn.ScopeAsk, Handle: a.listConversations},
		{Method: get, Path: "/conversations/:id", Scope: cairn.ScopeAsk, Handle: a.getConversation},
		{Method: patch, Path: "/conversations/:id", Scope: cairn.ScopeAsk, Handle: a.renameConversation},
		{Method: del, Path: "/conversations/:id", Scope: cairn.ScopeAsk, Handle: a.deleteConversation},
		{Method: get, Path: "/models", Scope: cairn.ScopeAsk, Handle: a.listModels},

		{Method: get, Path: "/sources", Scope: cairn.ScopeRead, Handle: a.listSources},
		{Method: get, Path: "/sources/:name", Scope: cairn.ScopeRead, Handle: a.getSource},
		{Method: post, Path: "/sources", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.createSource},
		{Method: patch, Path: "/sources/:name", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.updateSource},
		{Method: del, Path: "/sources/:name", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.deleteSource, Long: true},
		{Method: post, Path: "/sources/:name/sync", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.syncSource},
		{Method: post, Path: "/sources/:name/test", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.testSource},
		{Method: post, Path: "/sources/:name/pause", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.pauseSource},
		{Method: post, Path: "/sources/:name/cancel", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.cancelSync},
		{Method: get, Path: "/sources/:name/runs", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listRuns},
		{Method: get, Path: "/sources/:name/errors", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listErrors},
		{Method: post, Path: "/sources/:name/errors/retry", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.retryErrors},

		// Who may push is decided by the source: see writable.
		{Method: put, Path: "/sources/:name/documents", Scope: cairn.ScopeWrite, Handle: a.putDocument, Long: true},
		{Method: del, Path: "/sources/:name/documents", Scope: cairn.ScopeWrite, Handle: a.deleteDocument},
		{Method: post, Path: "/sources/:name/documents/batch", Scope: cairn.ScopeWrite, Handle: a.pushBatch, Long: true},

		{Method: post, Path: "/index/verify", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.verifyIndex, Long: true},
		{Method: post, Path: "/index/rebuild", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.rebuildIndex, Long: true},

		{Method: get, Path: "/login", Public: true, Handle: a.waysIn},
		{Method: get, Path: "/erasures", Scope: cairn.ScopeAdmin, Role: auditor, Handle: a.listErasures},
		{Method: post, Path: "/erasures/:id/lift", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.liftErasure},
		{Method: post, Path: "/erasures/clean", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.cleanErasures, Long: true},

		{Method: post, Path: "/login", Public: true, Handle: a.login},
		{Method: get, Path: "/login/oidc", Public: true, Handle: a.beginOIDC},
		{Method: get, Path: "/login/oidc/callback", Public: true, Handle: a.finishOIDC},
		{Method: post, Path: "/logout", Handle: a.logout},
		{Method: get, Path: "/me", Handle: a.me},
		{Method: get, Path: "/users", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listUsers},
		{Method: post, Path: "/users", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.createUser},
		{Method: get, Path: "/users/:id", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.getUser},
		{Method: patch, Path: "/users/:id", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.updateUser},
		{Method: post, Path: "/users/:id/code", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.createCode},
		{Method: get, Path: "/users/bindings", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listBindings},
		{Method: post, Path: "/users/bindings/:binding/confirm", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.confirmBinding},
		{Method: del, Path: "/users/bindings/:binding", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.dismissBinding},
		{Method: del, Path: "/users/:id", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.eraseUser, Long: true},
		{Method: get, Path: "/groups", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.listGroups},
		{Method: post, Path: "/groups", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.createGroup},
		{Method: put, Path: "/groups/:name", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.setGroup},
		{Method: del, Path: "/groups/:name", Scope: cairn.ScopeAdmin, Role: admin, Handle: a.deleteGroup},
		// Everybody manages the own tokens; those of others are for administrators.
		{Method: get, Path: "/tokens", Scope: cairn.ScopeAdmin, Handle: a.listTokens},
		{Method: post, Path: "/tokens", Scope: cairn.ScopeAdmin, Handle: a.createToken},
		{Method: del, Path: "/tokens/:id", Scope: cairn.ScopeAdmin, Handle: a.revokeToken},
	}
	for i := range routes {
		routes[i].Path = "/api/v1" + routes[i].Path
	}
	return append(routes, server.Route{Method: get, Path: "/api/openapi.yaml", Public: true, Handle: spec})
}
