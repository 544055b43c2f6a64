package connectortest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// testReplay reads on from each cursor that was given before, as after a crash in which
// the newest was lost.
func testReplay(t *testing.T, s Source) {
	fill(t, s)
	cursors := []connectors.Cursor{""}
	for c, err := range s.Connect(t).Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if c.Cursor != "" {
			cursors = append(cursors, c.Cursor)
		}
	}
	st := newState()
	st.read(t, s, -1)
	s.Put(t, "beta", "Something else is in beta.")
	s.Remove(t, "gamma")
	want := all()
	delete(want, "gamma")
	want["beta"] = "Something else is in beta."
	for _, cursor := range cursors {
		for range 2 {
			st.cursor = cursor
			st.read(t, s, -1)
			st.prune(t, s)
			st.want(t, s, want)
		}
	}
}

// testHundred breaks one of a hundred documents: 99 are read, and one is explained.
func testHundred(t *testing.T, s Source) {
	if s.Break == nil {
		t.Skip("the harness cannot break a document")
	}
	want := map[string]string{}
	for i := range 100 {
		name := fmt.Sprintf("page%02d", i)
		s.Put(t, name, textOf(name))
		want[name] = textOf(name)
	}
	s.Break(t, "page42")
	delete(want, "page42")
	st := newState()
	st.read(t, s, -1)
	broken := s.External("page42")
	err := st.failed[broken]
	if c, ok := st.docs[broken]; ok {
		_, err = tryRead(t, c)
		delete(st.docs, broken)
	}
	var explained *connectors.DocumentError
	if !errors.As(err, &explained) || explained.Code == "" || explained.Reason == "" {
		t.Errorf("what is wrong with the broken document is not explained: %v", err)
	}
	st.want(t, s, want)
}

// testPuzzle checks that a document whose permissions are not understood is nobody's.
func testPuzzle(t *testing.T, s Source) {
	if s.Puzzle == nil {
		t.Skip("the harness has no permissions that cannot be understood")
	}
	fill(t, s)
	s.Puzzle(t, "beta")
	st := newState()
	st.read(t, s, -1)
	external := s.External("beta")
	if err := st.failed[external]; err != nil {
		var unknown *connectors.DocumentError
		if !errors.As(err, &unknown) || unknown.Code != connectors.PermissionsNotUnderstood {
			t.Errorf("failed, but not because of its permissions: %v", err)
		}
	} else if c := st.docs[external]; c.ACL == nil || admits(*c.ACL) {
		t.Errorf("with permissions that nobody understands, %+v may read it", c.ACL)
	}
	delete(st.docs, external)
	want := all()
	delete(want, "beta")
	st.want(t, s, want)
}

// testPuzzleLater checks that a document which somebody could read is nobody's once its
// permissions are not understood.
func testPuzzleLater(t *testing.T, s Source) {
	if s.Puzzle == nil {
		t.Skip("the harness has no permissions that cannot be understood")
	}
	fill(t, s)
	st := newState()
	st.read(t, s, -1)
	external := s.External("beta")
	s.Puzzle(t, "beta")
	told := false
	check := func(how string, acl *cairn.ACL, err error) {
		told = true
		var unknown *connectors.DocumentError
		switch {
		case errors.As(err, &unknown):
			if unknown.Code != connectors.PermissionsNotUnderstood {
				t.Errorf("%s: failed, but not because of its permissions: %v", how, err)
			}
		case err != nil || acl == nil || admits(*acl):
			t.Errorf("%s: with permissions that nobody understands, %+v may read it: %v", how, acl, err)
		}
	}
	if c := s.Connect(t); connectors.CanTellPermissions(c) {
		_, parts := c.(connectors.Parts)
		for p, err := range tell(t.Context(), c) {
			if err != nil {
				t.Fatal(err)
			}
			if p.External == external || parts && strings.HasPrefix(external, p.External) {
				check("permissions alone", p.ACL, p.Err)
			}
		}
	}
	for c, err := range s.Connect(t).Changes(t.Context(), st.cursor) {
		if err != nil {
			t.Fatal(err)
		}
		if c.External == external {
			check("a reading of what is new", c.ACL, c.Err)
		}
	}
	if !told {
		t.Error("it is not told anew")
	}
}

// admits reports whether an ACL can admit anybody.
func admits(acl cairn.ACL) bool {
	return len(acl.Allow) > 0 && !slices.ContainsFunc(acl.Allow, func(clause []cairn.PrincipalKey) bool { return len(clause) == 0 })
}

// testFaults makes every third request fail, in each way: everything is read all the
// same, in not many more requests.
func testFaults(t *testing.T, s Source) {
	if s.Remote == nil {
		t.Skip("it is not reached over the network")
	}
	fill(t, s)
	s.Remote.Faults.Heal()
	st := newState()
	st.read(t, s, -1)
	st.want(t, s, all())
	usual := s.Remote.Faults.Requests()
	for _, fault := range Repeatable {
		t.Run(string(fault), func(t *testing.T) {
			if fault == Hang { // each is waited for
				defer func(usual time.Duration) { s.Remote.Env.Timeout = usual }(s.Remote.Env.Timeout)
				s.Remote.Env.Timeout = silence / 4
			}
			s.Remote.Faults.Every(3, fault)
			defer s.Remote.Faults.Heal()
			slept := s.Remote.Clock.Slept()
			st := newState()
			st.read(t, s, -1)
			st.prune(t, s)
			st.want(t, s, all())
			if n := s.Remote.Faults.Requests(); n > 3*usual+10 {
				t.Errorf("it took %d requests; without faults, %d", n, usual)
			}
			if usual >= 3 && s.Remote.Clock.Slept() == slept {
				t.Error("it does not wait before it asks again")
			}
		})
	}
}

// testOutage lets the source fail for good from each request on: nothing may be deleted,
// nothing may pass for complete that is not, and the connector must give up.
func testOutage(t *testing.T, s Source) {
	if s.Remote == nil {
		t.Skip("it is not reached over the network")
	}
	fill(t, s)
	before := newState()
	before.read(t, s, -1)
	for _, fault := range []Fault{Broken, Limited, Forbidden} {
		for n := 1; n <= 30; n++ {
			s.Remote.Faults.From(n, fault)
			st := &state{docs: maps.Clone(before.docs), failed: map[string]error{}}
			ended := st.tryRead(t, s)
			listed, complete := tryList(t, s)
			reached := s.Remote.Faults.Requests() >= n
			if asked := s.Remote.Faults.Requests(); asked > n+200 {
				t.Errorf("%s from request %d on: it was asked %d times", fault, n, asked)
			}
			s.Remote.Faults.Heal()
			if len(st.docs) < len(before.docs) {
				t.Errorf("%s from request %d on: %d documents were deleted", fault, n, len(before.docs)-len(st.docs))
			}
			if complete && len(listed) < len(before.docs) {
				t.Errorf("%s from request %d on: a list of %d passes for complete", fault, n, len(listed))
			}
			if ended && st.seen+len(st.failed) < len(before.docs) {
				t.Errorf("%s from request %d on: %d documents pass for all", fault, n, st.seen)
			}
			if !reached {
				break
			}
		}
	}
	after := newState()
	after.read(t, s, -1)
	after.want(t, s, all())
}

// testRefused lets the source refuse the credential: that is what the error says.
func testRefused(t *testing.T, s Source) {
	if s.Remote == nil {
		t.Skip("it is not reached over the network")
	}
	fill(t, s)
	s.Remote.Faults.From(1, Refused)
	defer s.Remote.Faults.Heal()
	var failed error
	for _, err := range s.Connect(t).Changes(t.Context(), "") {
		failed = err
	}
	if failed == nil {
		t.Fatal("the source refuses everything, and the reading ends without an error")
	}
	var shown *connectors.Error
	if !errors.As(failed, &shown) || shown.Message == "" {
		t.Errorf("it is not said what is wrong: %v", failed)
	}
	if n := s.Remote.Faults.Requests(); n > 5 {
		t.Errorf("a refused credential is tried %d times", n)
	}
}

// testExpiry ends the access token between requests.
func testExpiry(t *testing.T, s Source) {
	if s.Remote == nil || s.Remote.Expire == nil {
		t.Skip("its credential does not expire")
	}
	fill(t, s)
	st := newState()
	for c, err := range s.Connect(t).Changes(t.Context(), "") {
		if err != nil {
			t.Fatalf("after the access token has expired: %v", err)
		}
		st.apply(t, c)
		s.Remote.Expire()
	}
	st.want(t, s, all())
}
