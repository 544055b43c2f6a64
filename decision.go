package cairn

import "slices"

// Decision says why an ACL admits a viewer or does not.
type Decision struct {
	Admitted bool
	// Denied are those of the viewer's keys that the ACL denies: one is enough.
	Denied []PrincipalKey
	// Held are, clause by clause, those of its keys that the viewer holds: none
	// must be empty.
	Held [][]PrincipalKey
}

// Decide returns what Admits says, with the reason.
func (a ACL) Decide(v Viewer) Decision {
	d := Decision{Denied: held(v, a.Deny)}
	for _, clause := range a.Allow {
		d.Held = append(d.Held, held(v, clause))
	}
	d.Admitted = a.Admits(v)
	return d
}

// held returns those of the keys that v holds.
func held(v Viewer, keys []PrincipalKey) []PrincipalKey {
	var out []PrincipalKey
	for _, k := range keys {
		if slices.Contains(v.Keys, k) {
			out = append(out, k)
		}
	}
	return out
}
