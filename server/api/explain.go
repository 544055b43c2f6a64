package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// explained says whether somebody may read a document, and why. It holds nothing
// of the document but its id.
type explained struct {
	Allowed    bool                 `json:"allowed"`
	Reason     string               `json:"reason"`
	User       explainedUser        `json:"user"`
	Document   cairn.DocumentID     `json:"document_id"`
	Source     string               `json:"source"`
	ViewerKeys []cairn.PrincipalKey `json:"viewer_keys"`
	Keys       []keyOrigin          `json:"keys"`
	ACL        *wireACL             `json:"acl"`
	Deciding   deciding             `json:"deciding"`
	Freshness  permissionsState     `json:"permissions"`
}

type explainedUser struct {
	ID       cairn.AccountID `json:"id"`
	Email    string          `json:"email"`
	Role     cairn.Role      `json:"role"`
	Disabled bool            `json:"disabled"`
}

// keyOrigin says why a viewer holds a key. Path leads from a group that the account
// belongs to itself to the key.
type keyOrigin struct {
	Key       cairn.PrincipalKey   `json:"key"`
	From      string               `json:"from"`
	Directory string               `json:"directory,omitempty"`
	Path      []cairn.PrincipalKey `json:"path,omitempty"`
}

// deciding is what the decision hangs on. Kind is "clauses" (all of them are
// met), "clause" (the one numbered Clause from 0 is not), "deny", "nobody" (there is
// no clause), "grant" (that of the id Grant, which wins over all of these), "hidden",
// "withheld" or "disabled". Keys are those of the viewer that met the clauses or are denied.
type deciding struct {
	Kind   string                 `json:"kind"`
	Clause *int                   `json:"clause,omitempty"`
	Grant  cairn.GrantID          `json:"grant,omitempty"`
	Until  *time.Time             `json:"until,omitempty"`
	Keys   []cairn.PrincipalKey   `json:"keys"`
	Held   [][]cairn.PrincipalKey `json:"held"`
}

// permissionsState says where the ACL comes from and how fresh it is.
type permissionsState struct {
	Mode     cairn.ACLMode `json:"mode"`
	Own      bool          `json:"own"`
	Synced   *time.Time    `json:"synced_at"`
	Degraded bool          `json:"degraded"`
	Since    *time.Time    `json:"degraded_since,omitempty"`
	Problem  string        `json:"problem,omitempty"`
}

func permissionsStateOf(access DocumentAccess) permissionsState {
	out := permissionsState{Mode: access.Mode, Own: access.Own, Synced: moment(access.Synced)}
	if d := access.Degraded; d != nil {
		out.Degraded, out.Since, out.Problem = true, moment(d.Since), d.Reason
	}
	return out
}

// explainAccess answers POST /access/explain. Administrators and auditors may ask
// about anybody; others about themselves and what they may read: all else is not
// found.
func (a *API) explainAccess(c *gin.Context) error {
	var req struct {
		User     string           `json:"user"`
		Document cairn.DocumentID `json:"document_id"`
	}
	if err := decode(c, &req, false); err != nil {
		return err
	}
	if err := checkLength("document_id", string(req.Document), 1, 200); err != nil {
		return err
	}
	ctx := c.Request.Context()
	aboutDocument(ctx, string(req.Document))
	id := auth.FromContext(ctx)
	everybody := id.Permit(cairn.ScopeAdmin, cairn.RoleAuditor) == nil
	who := id.Account.ID
	if req.User != "" && !itself(id.Account, req.User) {
		if !everybody {
			return cairn.Errorf(cairn.ErrDenied, "only administrators and auditors may ask what others can read; leave out \"user\" to ask about yourself")
		}
		account, err := a.account(ctx, req.User)
		if err != nil {
			return err
		}
		who = account.ID
	}
	audit.FromContext(ctx).Detail("account:" + string(who))
	out, err := a.explain(ctx, who, req.Document)
	if err != nil {
		return err
	}
	if !everybody {
		if !out.Allowed {
			return cairn.ErrNotFound
		}
		out.forReader()
	}
	if err := audit.FromContext(ctx).Write(ctx); err != nil {
		return err
	}
	return reply(c, http.StatusOK, out)
}

// itself reports whether a name of an account is that of the caller.
func itself(a cairn.Account, name string) bool {
	email, ok := cairn.FoldAddress(name)
	return name == string(a.ID) || ok && email == a.Email
}

// forReader leaves out who else may read the document, and what is only for who
// runs the source.
func (e *explained) forReader() {
	if e.Deciding.Kind == "grant" { // how many clauses there are is not for her
		e.Deciding.Held = [][]cairn.PrincipalKey{}
	}
	e.ACL = wireACLOf(cairn.ACL{Allow: e.Deciding.Held})
	e.Freshness.Problem = ""
}

// explain reads the document last, so that one that is missing takes as long as one
// that may not be read.
func (a *API) explain(ctx context.Context, who cairn.AccountID, document cairn.DocumentID) (explained, error) {
	h, err := a.Store.Holder(ctx, who)
	if err != nil {
		return explained{}, err
	}
	chains, err := a.Store.Through(ctx, who)
	if err != nil {
		return explained{}, err
	}
	granted, err := a.Store.GrantOf(ctx, who, document)
	if err != nil && !errors.Is(err, cairn.ErrNotFound) {
		return explained{}, err
	}
	access, err := a.Store.DocumentAccess(ctx, document)
	if err != nil {
		return explained{}, err
	}
	viewer := auth.ViewerOf(h)
	decision := access.ACL.Decide(viewer)
	if decision.Admitted != access.ACL.Admits(viewer) {
		return explained{}, errors.New("the explanation contradicts what is enforced")
	}
	admitted := decision.Admitted && !access.Withheld
	if admitted {
		granted = cairn.Grant{} // permissions alone decide
	}
	out := explained{
		User:       explainedUser{h.Account.ID, h.Account.Email, h.Account.Role, h.Account.Disabled},
		Document:   access.Document,
		Source:     access.Source,
		ViewerKeys: list(viewer.Keys),
		Keys:       mapped(auth.Origins(h, chains), func(o auth.Origin) keyOrigin { return keyOrigin(o) }),
		ACL:        wireACLOf(access.ACL),
		Freshness:  permissionsStateOf(access),
		Allowed:    (admitted || granted.ID != "") && !access.Hidden && !h.Account.Disabled,
	}
	out.Deciding, out.Reason = decide(h.Account, access, decision, granted)
	return out, nil
}

// decide names what the decision hangs on, and says it in a sentence. granted is zero
// where no grant is needed or none lives.
func decide(a cairn.Account, access DocumentAccess, d cairn.Decision, granted cairn.Grant) (deciding, string) {
	name := cmp.Or(a.Email, a.Name, string(a.ID))
	out := deciding{Keys: []cairn.PrincipalKey{}, Held: mapped(d.Held, list[cairn.PrincipalKey])}
	switch {
	case a.Disabled:
		out.Kind = "disabled"
		return out, name + " may not: the account is disabled."
	case access.Hidden:
		out.Kind = "hidden"
		return out, "Nobody may: the document has vanished from its source " + access.Source + "."
	case granted.ID != "":
		out.Kind, out.Grant, out.Until = "grant", granted.ID, moment(granted.Ends())
		return out, fmt.Sprintf("%s may, by grant %s until %s (reason: %s).", name, granted.ID, out.Until.Format(time.RFC3339), granted.Reason)
	case access.Withheld:
		out.Kind = "withheld"
		return out, "Nobody may: the document has vanished from its source " + access.Source +
			", with a large part of it, and waits until it is back or somebody confirms that it is gone."
	case len(access.ACL.Allow) == 0:
		out.Kind = "nobody"
		return out, "Nobody may: the document's permissions admit nobody, or are not known."
	case len(d.Denied) > 0:
		out.Kind, out.Keys = "deny", d.Denied
		return out, fmt.Sprintf("%s may not: %s is denied, which wins over all clauses.", name, keysText(d.Denied))
	}
	for i, held := range d.Held {
		if len(held) > 0 {
			continue
		}
		out.Kind, out.Clause = "clause", &i
		if len(access.ACL.Allow[i]) == 0 {
			return out, fmt.Sprintf("Nobody may: clause %d of %d names nobody.", i+1, len(d.Held))
		}
		return out, fmt.Sprintf("%s may not: clause %d of %d asks for one of %s, and %s holds none of them.",
			name, i+1, len(d.Held), keysText(access.ACL.Allow[i]), name)
	}
	out.Kind = "clauses"
	for _, held := range d.Held {
		out.Keys = append(out.Keys, held[0])
	}
	return out, fmt.Sprintf("%s may: %s meets %s.", name, keysText(out.Keys), clausesText(len(d.Held)))
}

func clausesText(n int) string {
	if n == 1 {
		return "the one clause"
	}
	return fmt.Sprintf("all %d clauses", n)
}

// keysText lists keys, the first ones when there are many.
func keysText(keys []cairn.PrincipalKey) string {
	const most = 5
	var b strings.Builder
	for i, k := range keys[:min(len(keys), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(k))
	}
	if more := len(keys) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}
