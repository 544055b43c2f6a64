package postgres

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/api"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	made, err := f.CreateAccount(ctx, cairn.Account{Email: " Ann@ACME.test ", Name: "Ann", Role: cairn.RoleAdmin})
	f.check(err)
	if made.ID == "" || made.Created.IsZero() || made.Email != "ann@acme.test" {
		t.Errorf("created %+v", made)
	}
	byID, err := f.AccountByID(ctx, made.ID)
	f.check(err)
	byEmail, err := f.AccountByEmail(ctx, "ANN@acme.test")
	f.check(err)
	if d := cmp.Diff(made, byID) + cmp.Diff(made, byEmail); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}

	_, err = f.CreateAccount(ctx, cairn.Account{Email: "ann@acme.TEST", Role: cairn.RoleMember})
	wantError(t, "same address", err, cairn.ErrConflict)
	for _, a := range []cairn.Account{
		{Email: "bob@acme.test", Role: "owner"}, {Email: "bob", Role: cairn.RoleMember}, {Email: "b\x00b@acme.test", Role: cairn.RoleMember},
		{Email: "bob@acme.test", Name: "b\x00b", Role: cairn.RoleMember},
	} {
		_, err = f.CreateAccount(ctx, a)
		wantError(t, a.Email, err, cairn.ErrInvalid)
	}
	for _, id := range []cairn.AccountID{"", "nobody", "no\x00body"} {
		_, err = f.AccountByID(ctx, id)
		wantError(t, "unknown id", err, cairn.ErrNotFound)
		_, err = f.AccountByEmail(ctx, string(id))
		wantError(t, "unknown address", err, cairn.ErrNotFound)
	}
}

func TestUpdateAccount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.account("ann@acme.test", cairn.RoleAdmin)
	bob := f.account("bob@acme.test", cairn.RoleMember)
	bob.Email, bob.Name, bob.Role, bob.Disabled = "Robert@acme.test", "Robert", cairn.RoleAuditor, true
	f.check(f.update(bob))
	got, err := f.AccountByID(ctx, bob.ID)
	f.check(err)
	bob.Email = "robert@acme.test"
	if d := cmp.Diff(bob, got); d != "" {
		t.Errorf("updated (-want +got):\n%s", d)
	}
	bob.Disabled = false
	f.check(f.update(bob))
	if got, err = f.AccountByID(ctx, bob.ID); err != nil || got.Disabled {
		t.Errorf("enabled again: %+v, %v", got, err)
	}

	bob.Email = "ann@acme.test"
	wantError(t, "taken address", f.update(bob), cairn.ErrConflict)
	wantError(t, "unknown", f.update(cairn.Account{ID: "nobody", Role: cairn.RoleMember}), cairn.ErrNotFound)
	wantError(t, "role", f.update(cairn.Account{ID: bob.ID, Role: "x"}), cairn.ErrInvalid)
}

// A change that waits for another one is made to what that has left: here a name is
// given while the account is being disabled, and after that.
func TestUpdateAccountLosesNoOtherChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ann := f.account("ann@acme.test", cairn.RoleMember)
	tx, err := f.worker.Begin(ctx)
	f.check(err)
	_, err = tx.Exec(ctx, `UPDATE accounts SET disabled_at = now() WHERE id = $1`, ann.ID)
	f.check(err)
	done := make(chan error, 1)
	go func() {
		_, err := f.UpdateAccount(ctx, ann.ID, func(a *cairn.Account) error { a.Name = "Ann"; return nil })
		done <- err
	}()
	f.waitForLock(done)
	f.check(tx.Commit(ctx))
	f.check(<-done)
	got, err := f.AccountByID(ctx, ann.ID)
	if err != nil || got.Name != "Ann" || !got.Disabled {
		t.Errorf("%+v, %v; want the name and that it is disabled", got, err)
	}
	no := errors.New("no")
	_, err = f.UpdateAccount(ctx, ann.ID, func(a *cairn.Account) error { a.Disabled = false; return no })
	if !errors.Is(err, no) {
		t.Errorf("the error of the edit: %v", err)
	}
	if got, err := f.AccountByID(ctx, ann.ID); err != nil || !got.Disabled {
		t.Errorf("a change that was refused: %+v, %v", got, err)
	}
}

func TestLastAdministratorStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ann, bob := f.account("ann@acme.test", cairn.RoleAdmin), f.account("bob@acme.test", cairn.RoleAdmin)
	demoted, disabled := bob, ann
	demoted.Role, disabled.Disabled = cairn.RoleMember, true
	f.check(f.update(demoted))
	wantError(t, "disable the last", f.update(disabled), cairn.ErrConflict)
	demoted = ann
	demoted.Role = cairn.RoleAuditor
	wantError(t, "demote the last", f.update(demoted), cairn.ErrConflict)
	ann.Name = "Ann"
	f.check(f.update(ann))
	bob.Disabled = true // an administrator, but one who cannot sign in
	f.check(f.update(bob))
	wantError(t, "disable the last", f.update(disabled), cairn.ErrConflict)
}

// Nobody can sign in as the local account: it is no administrator who remains,
// and it stays what local mode needs.
func TestLocalAccountIsNoLastAdministrator(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	holder, err := f.LocalAccount(ctx)
	f.check(err)
	local := holder.Account
	for _, ann := range []*cairn.Account{nil, {}} { // with and without a real administrator
		if ann != nil {
			*ann = f.account("ann@acme.test", cairn.RoleAdmin)
			disabled, demoted := *ann, *ann
			disabled.Disabled, demoted.Role = true, cairn.RoleMember
			wantError(t, "disable the last", f.update(disabled), cairn.ErrConflict)
			wantError(t, "demote the last", f.update(demoted), cairn.ErrConflict)
		}
		disabled, demoted := local, local
		disabled.Disabled, demoted.Role = true, cairn.RoleMember
		wantError(t, "disable local", f.update(disabled), cairn.ErrConflict)
		wantError(t, "demote local", f.update(demoted), cairn.ErrConflict)
	}
	local.Name = "this computer"
	f.check(f.update(local))
}

// Two administrators who demote each other at once must not both succeed.
func TestLastAdministratorStaysInRace(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	admins := []cairn.Account{f.account("a@acme.test", cairn.RoleAdmin), f.account("b@acme.test", cairn.RoleAdmin)}
	for range 20 {
		for _, a := range admins {
			f.check(f.update(a))
		}
		var wg sync.WaitGroup
		errs := make([]error, len(admins))
		for i, a := range admins {
			a.Role = cairn.RoleMember
			wg.Go(func() { errs[i] = f.update(a) })
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("demoting each other: %v and %v, want one success", errs[0], errs[1])
		}
		if err := errors.Join(errs...); !errors.Is(err, cairn.ErrConflict) {
			t.Fatalf("the other fails with %v, want a conflict", err)
		}
	}
}

func TestListAccounts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	local, err := f.LocalAccount(t.Context())
	f.check(err)
	want := []string{local.Account.Email}
	for _, name := range []string{"d", "b", "e", "a", "c"} {
		want = append(want, f.account(name+"@acme.test", cairn.RoleMember).Email)
	}
	slices.Sort(want)
	accounts := allPages(t, 2, 3, func(p api.Page) ([]cairn.Account, string, error) { return f.ListAccounts(t.Context(), p) })
	var got []string
	for _, a := range accounts {
		got = append(got, a.Email)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("accounts (-want +got):\n%s", d)
	}
	_, _, err = f.ListAccounts(t.Context(), api.Page{Limit: 2, Cursor: "made up"})
	wantError(t, "cursor", err, cairn.ErrInvalid)
}
