package jobs_test

import (
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
)

// What webhooks have told is looked for each second: that takes no longer with all the
// deliveries of a day, read or not.
func TestManyDeliveries(t *testing.T) {
	s := newSite(t, tap{documents: 3})
	_, err := s.idle().Sync(t.Context(), s.source.ID, cairn.SyncOptions{})
	check(t, err)
	s.take()
	s.end(cairn.RunSucceeded)
	s.tell(connectors.TellsNothing)
	s.exec(`INSERT INTO hook_deliveries (source_id, id, tells, part, at)
		SELECT '` + string(s.source.ID) + `', 'd' || n, CASE n % 4 WHEN 0 THEN 'permissions' WHEN 1 THEN 'nothing' ELSE 'change' END,
		       CASE n % 4 WHEN 2 THEN 'C' || n % 100 ELSE '' END, now() - n * interval '0.8 seconds'
		FROM generate_series(10, 100000) n`)
	s.exec(`ANALYZE hook_deliveries`)
	for _, unread := range []bool{false, true} {
		if unread {
			s.exec(`UPDATE runs SET started_at = started_at - interval '1 day', finished_at = finished_at - interval '1 day', created_at = created_at - interval '1 day'`)
		}
		best := time.Hour
		for range 8 {
			begin := time.Now()
			told, err := s.db.Told(t.Context())
			check(t, err)
			best = min(best, time.Since(begin))
			if unread && (len(told) != 1 || told[0].Changed.IsZero() || told[0].Parts.IsZero() || told[0].Members.IsZero() || told[0].Permissions.IsZero()) {
				t.Fatalf("a day of deliveries tells %+v", told)
			}
		}
		t.Logf("unread: %v: %v", unread, best)
		if best > 15*time.Millisecond {
			t.Errorf("unread: %v; with 100,000 deliveries it takes %v to see what they tell", unread, best)
		}
	}
}
