package connectortest

import (
	"context"
	"testing"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// testDirectory reads who is in which group, where the connector can tell: names
// must fit into ACLs, two readings must agree, and one that was broken off must not
// pass for complete.
func testDirectory(t *testing.T, s Source) {
	fill(t, s)
	if _, ok := s.Connect(t).(connectors.Directory); !ok {
		t.Skip("it has no groups")
	}
	read := func(ctx context.Context) (members map[connectors.Member]bool, failed error) {
		members = map[connectors.Member]bool{}
		for m, err := range s.Connect(t).(connectors.Directory).Members(ctx) {
			if err != nil {
				return members, err
			}
			members[m] = true
		}
		return members, nil
	}
	first, err := read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for m := range first {
		if !cairn.GroupKey("site", m.Group).Valid() || m.Subgroup != "" && !cairn.GroupKey("site", m.Subgroup).Valid() {
			t.Errorf("%+v has a name that no ACL can hold", m)
		}
		if m.Email != "" && (m.Subgroup != "" || !cairn.UserKey(m.Email).Valid()) {
			t.Errorf("%+v is a person and a group, or has an address that is none", m)
		}
	}
	again, err := read(t.Context())
	if err != nil || len(again) != len(first) {
		t.Errorf("read again, there are %d members, %v; want %d", len(again), err, len(first))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := read(ctx); err == nil {
		t.Error("broken off, the list of members passes for complete")
	}
}
