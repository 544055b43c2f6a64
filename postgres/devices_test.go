package postgres

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/auth"
)

// asking notes a program whose codes are made of n.
func (f *fixture) asking(n byte, now time.Time) (auth.DeviceHashes, auth.DeviceLogin) {
	f.t.Helper()
	h := auth.DeviceHashes{Device: auth.Hash{n, 1}, User: auth.Hash{n, 2}, Token: auth.Hash{n, 3}}
	d := auth.DeviceLogin{
		Name: "laptop", Address: "192.0.2.1", Scopes: []cairn.Scope{cairn.ScopeRead}, TTL: time.Hour,
		Asked: now, Expires: now.Add(10 * time.Minute),
	}
	f.check(f.CreateDevice(f.t.Context(), h, d, 2*time.Second))
	return h, d
}

func (f *fixture) polled(h auth.DeviceHashes, at time.Time) (auth.DeviceState, cairn.Token) {
	f.t.Helper()
	state, token, err := f.PollDevice(f.t.Context(), h.Device, auth.DevicePoll{At: at, Slack: time.Second, Pause: 5 * time.Second})
	f.check(err)
	return state, token
}

func TestDevices(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	ann := f.account("ann@acme.test", cairn.RoleMember)
	h, d := f.asking(1, now)
	wantError(t, "the same code", f.CreateDevice(ctx, auth.DeviceHashes{Device: auth.Hash{9}, User: h.User}, d, time.Second), cairn.ErrConflict)
	got, err := f.OpenDevice(ctx, h.User, now)
	f.check(err)
	if diff := cmp.Diff(d, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, step := range []struct {
		after time.Duration
		want  auth.DeviceState
	}{{0, auth.DeviceWaiting}, {time.Second, auth.DeviceWaiting}, {1999 * time.Millisecond, auth.DeviceTooSoon}, {7 * time.Second, auth.DeviceTooSoon}, {18 * time.Second, auth.DeviceWaiting}} {
		if state, _ := f.polled(h, now.Add(step.after)); state != step.want {
			t.Errorf("after %v: %q, want %q", step.after, state, step.want)
		}
	}
	f.check(f.AdmitDevice(ctx, h.User, ann.ID, now))
	wantError(t, "twice", f.AdmitDevice(ctx, h.User, ann.ID, now), cairn.ErrNotFound)
	wantError(t, "refused afterwards", f.RefuseDevice(ctx, h.User, now), cairn.ErrNotFound)
	_, err = f.OpenDevice(ctx, h.User, now)
	wantError(t, "opened afterwards", err, cairn.ErrNotFound)

	// Of many servers that are asked at once one hands the token over.
	hold, err := pgx.Connect(ctx, f.made.URL)
	f.check(err)
	defer hold.Close(context.Background())
	tx, err := hold.Begin(ctx)
	f.check(err)
	_, err = tx.Exec(ctx, `SELECT FROM device_logins FOR UPDATE`)
	f.check(err)
	var handed atomic.Int32
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			state, token, err := f.PollDevice(ctx, h.Device, auth.DevicePoll{At: now})
			if err == nil && state == auth.DeviceAdmitted && token.Account == ann.ID && token.Name == "laptop" {
				handed.Add(1)
			}
		})
	}
	waiting := 0
	for deadline := time.Now().Add(10 * time.Second); waiting < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		f.check(tx.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()
			AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`).Scan(&waiting))
	}
	f.check(tx.Rollback(ctx))
	group.Wait()
	if waiting == 0 { // on a busy machine there may be one connection for all
		t.Error("nobody waited for the row")
	}
	if n := handed.Load(); n != 1 {
		t.Errorf("the token was handed over %d times", n)
	}
	token, holder, err := f.TokenByHash(ctx, h.Token)
	f.check(err)
	if holder.Account.ID != ann.ID || !token.Expires.Equal(now.Add(time.Hour)) || len(token.Scopes) != 1 || token.Scopes[0] != cairn.ScopeRead {
		t.Errorf("%+v of %+v", token, holder.Account)
	}
	if n := f.count(`SELECT count(*) FROM device_logins`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestDevicesThatAreNotLetIn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx, now := t.Context(), time.Now().UTC().Truncate(time.Microsecond)
	ann, off := f.account("ann@acme.test", cairn.RoleMember), f.account("off@acme.test", cairn.RoleMember)
	off.Disabled = true
	f.check(f.update(off))

	refused, _ := f.asking(1, now)
	f.check(f.RefuseDevice(ctx, refused.User, now))
	wantError(t, "refused", f.AdmitDevice(ctx, refused.User, ann.ID, now), cairn.ErrNotFound)
	expired, d := f.asking(2, now)
	wantError(t, "expired", f.AdmitDevice(ctx, expired.User, ann.ID, d.Expires), cairn.ErrNotFound)
	wantError(t, "by a disabled account", f.AdmitDevice(ctx, expired.User, off.ID, now), cairn.ErrInvalid)
	wantError(t, "nothing", f.AdmitDevice(ctx, auth.Hash{7}, ann.ID, now), cairn.ErrNotFound)
	// What ends a token ends it before it is fetched, too.
	revoked, _ := f.asking(3, now)
	f.check(f.AdmitDevice(ctx, revoked.User, ann.ID, now))
	token, _, err := f.TokenByHash(ctx, revoked.Token)
	f.check(err)
	f.check(f.RevokeToken(ctx, ann.ID, token.ID, now))
	late, d := f.asking(4, now)
	f.check(f.AdmitDevice(ctx, late.User, ann.ID, d.Expires.Add(-time.Second)))

	for what, tt := range map[string]struct {
		h    auth.DeviceHashes
		at   time.Time
		want auth.DeviceState
	}{
		"refused": {refused, now, auth.DeviceRefused}, "expired": {expired, d.Expires, auth.DeviceExpired}, "revoked": {revoked, now, auth.DeviceRefused},
		"let in at the last moment": {late, d.Expires.Add(58 * time.Second), auth.DeviceAdmitted},
	} {
		if state, _ := f.polled(tt.h, tt.at); state != tt.want {
			t.Errorf("%s: %q, want %q", what, state, tt.want)
		}
		_, _, err := f.PollDevice(ctx, tt.h.Device, auth.DevicePoll{At: tt.at})
		wantError(t, what+", once more", err, cairn.ErrNotFound)
	}
}
