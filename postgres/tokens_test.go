package postgres

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleMember)
	f.check(f.CreateGroup(ctx, "b"))
	f.check(f.CreateGroup(ctx, "a"))
	for _, g := range []string{"a", "b"} {
		f.check(f.SetGroup(ctx, g, []cairn.AccountID{ann.ID}, nil))
	}
	hash := auth.Hash{1}
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	made, err := f.CreateToken(ctx, hash, cairn.Token{Account: ann.ID, Name: "ci", Scopes: []cairn.Scope{cairn.ScopeWrite}, Expires: expires})
	f.check(err)
	if made.ID == "" || made.Created.IsZero() || !made.Expires.Equal(expires) {
		t.Errorf("created %+v", made)
	}

	at := time.Now().UTC().Truncate(time.Microsecond)
	f.check(f.TouchToken(ctx, made.ID, at))
	f.check(f.TouchToken(ctx, made.ID, at.Add(-time.Hour))) // a slower request does not turn it back
	f.check(f.RevokeToken(ctx, ann.ID, made.ID, at))
	f.check(f.RevokeToken(ctx, "", made.ID, at.Add(time.Hour)))
	made.LastUsed, made.Revoked = at, at
	got, holder, err := f.TokenByHash(ctx, hash)
	f.check(err)
	if d := cmp.Diff(made, got) + cmp.Diff(auth.Holder{Account: ann, Groups: keysOf("cairn", "a", "b"), Grants: []cairn.GrantID{}}, holder); d != "" {
		t.Errorf("revoked token (-want +got):\n%s", d)
	}

	ann.Disabled = true
	f.check(f.update(ann))
	if _, holder, err = f.TokenByHash(ctx, hash); err != nil || !holder.Account.Disabled {
		t.Errorf("token of a disabled account: %+v, %v", holder, err)
	}
	_, _, err = f.TokenByHash(ctx, auth.Hash{2})
	wantError(t, "unknown secret", err, cairn.ErrNotFound)
	_, err = f.CreateToken(ctx, auth.Hash{3}, cairn.Token{Account: ann.ID, Expires: expires})
	wantError(t, "disabled account", err, cairn.ErrInvalid)
	_, err = f.CreateToken(ctx, hash, cairn.Token{Account: f.account("cid@acme.test", cairn.RoleMember).ID, Expires: expires})
	wantError(t, "same secret", err, cairn.ErrConflict)
	_, err = f.CreateToken(ctx, auth.Hash{3}, cairn.Token{Account: "nobody", Expires: expires})
	wantError(t, "unknown account", err, cairn.ErrInvalid)
	_, err = f.CreateToken(ctx, auth.Hash{3}, cairn.Token{Account: ann.ID, Scopes: []cairn.Scope{"root"}, Expires: expires})
	wantError(t, "unknown scope", err, cairn.ErrInvalid)
	bob := f.account("bob@acme.test", cairn.RoleMember)
	wantError(t, "revoke as a stranger", f.RevokeToken(ctx, bob.ID, made.ID, at), cairn.ErrNotFound)
	wantError(t, "revoke nothing", f.RevokeToken(ctx, "", "none", at), cairn.ErrNotFound)
}

func TestListTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann, bob := f.account("ann@acme.test", cairn.RoleMember), f.account("bob@acme.test", cairn.RoleMember)
	var want []cairn.Token
	for i := range 5 {
		made, err := f.CreateToken(ctx, auth.Hash{byte(i)}, cairn.Token{Account: ann.ID, Expires: time.Now().Add(time.Hour)})
		f.check(err)
		want = append([]cairn.Token{made}, want...)
	}
	others, err := f.CreateToken(ctx, auth.Hash{9}, cairn.Token{Account: bob.ID, Expires: time.Now().Add(time.Hour)})
	f.check(err)
	if d := cmp.Diff(cairn.DefaultScopes(), others.Scopes); d != "" {
		t.Errorf("default scopes (-want +got):\n%s", d)
	}
	got := allPages(t, 2, 3, func(p api.Page) ([]cairn.Token, string, error) { return f.ListTokens(ctx, ann.ID, p) })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Ann's (-want +got):\n%s", d)
	}
	got = allPages(t, 3, 2, func(p api.Page) ([]cairn.Token, string, error) { return f.ListTokens(ctx, "", p) })
	if d := cmp.Diff(append([]cairn.Token{others}, want...), got); d != "" {
		t.Errorf("everybody's (-want +got):\n%s", d)
	}
}
