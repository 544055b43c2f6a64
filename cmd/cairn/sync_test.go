package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/client/clienttest"
)

func runJSON(state, reason string, dry bool, counts ...int) string {
	counts = append(counts, make([]int, 7)...)
	return fmt.Sprintf(`{"id":"R1","state":%q,"full":false,"dry_run":%t,"permissions_only":false,"parts_only":false,"scheduled":false,"phase":"","rate":0,"remaining_s":null,"reason":%q,"created_at":"2026-10-02T09:30:00Z","started_at":null,"finished_at":null,"total":%d,"scanned":%d,"added":%d,"modified":%d,"deleted":%d,"failed":%d,"unchanged":%d}`,
		state, dry, reason, counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], counts[6])
}

// syncs makes a sync of the source wiki go through states, one for each time that
// somebody looks.
func (s *shell) syncs(states ...string) {
	s.Reply("POST /api/v1/sources/{name}/sync", 202, states[0])
	n := 0
	s.Handle("GET /api/v1/sources/{name}/runs", func(w http.ResponseWriter, _ *http.Request) {
		n = min(n+1, len(states)-1)
		if states[n] == "" {
			clienttest.Write(w, 503, `{"error":{"code":"unavailable","message":"the database is away"}}`)
			return
		}
		other := strings.Replace(runJSON("succeeded", "", false), "R1", "R0", 1)
		clienttest.Write(w, 200, `{"runs":[`+states[n]+`,`+other+`],"next_cursor":null}`)
	})
}

func TestSyncCommand(t *testing.T) {
	s := newShell(t)
	queued, done := runJSON("queued", "", false), runJSON("succeeded", "", false, 247, 247, 240, 1, 2, 0, 4)
	s.syncs(queued, runJSON("running", "", false, 247, 100), "", done) // "": the server is being restarted
	s.expect(exitDone, "The sync of wiki is queued. Follow it with: cairn sync wiki --wait\n", "", "sync", "wiki")
	s.asked(`POST /api/v1/sources/wiki/sync {}`)
	s.expect(exitDone, "scanned 247, added 240, modified 1, deleted 2, failed 0, unchanged 4\n", "", "sync", "wiki", "--wait", "--full", "--confirm")
	s.expectJSON(exitDone, done, "sync", "wiki", "--wait")
	s.expectJSON(exitDone, queued, "sync", "wiki", "--dry-run")
	s.asked(`POST /api/v1/sources/wiki/sync {"dry_run":true}`)
	s.expect(exitUsage, "", "", "sync")
}

// TestSyncTellsHowToFollow checks that whoever follows a run as is told follows that one, and
// begins nothing else when it has ended meanwhile: no sync that writes after a dry run.
func TestSyncTellsHowToFollow(t *testing.T) {
	for flags, with := range map[string]string{
		"--permissions": "--permissions --wait", "--dry-run": "--dry-run --wait", "--dry-run --full": "--dry-run --full --wait",
		"--dry-run --confirm": "--dry-run --confirm --wait", "--dry-run --permissions": "--dry-run --permissions --wait",
		"--full": "--wait", "--confirm": "--wait",
	} {
		t.Run(flags, func(t *testing.T) {
			s := newShell(t)
			s.syncs(runJSON("queued", "", false))
			s.expect(exitDone, "The sync of wiki is queued. Follow it with: cairn sync wiki "+with+"\n", "", append([]string{"sync", "wiki"}, strings.Fields(flags)...)...)
		})
	}
}

func TestDryRunIsShown(t *testing.T) {
	s := newShell(t)
	done := strings.Replace(runJSON("succeeded", "", true, 5, 5, 2, 3), `"remaining_s":null`, `"remaining_s":null,"preview":{"added":["a.md"],"modified":["b.md","c\u001b[2J.md","d.md"],"deleted":[]}`, 1)
	s.syncs(done)
	s.expect(exitDone, `
scanned 5, added 2, modified 3, deleted 0, failed 0, unchanged 0 (a dry run: nothing was changed)
  add a.md
  … and add 1 more
  change b.md
  change c␛[2J.md
  change d.md
`, "", "sync", "wiki", "--wait", "--dry-run")
}

func TestDryRunTellsWhoLosesAndGains(t *testing.T) {
	s := newShell(t)
	change := func(accounts int, who ...string) string {
		return fmt.Sprintf(`{"accounts":%d,"first":[%s]}`, accounts, strings.Join(who, ","))
	}
	ann, ben := `{"id":"A1","email":"ann@acme.test","documents":2}`, `{"id":"A2","email":"","documents":1}`
	access := `{"documents":3,"lose":` + change(1, ann) + `,"gain":` + change(5, ben) + `,"groups":{"groups":1,"first":[{"name":"dev\u001b[2J","joined":2,"left":1}]},` +
		`"first":[{"external_id":"a.md","lose":` + change(1, ann) + `,"gain":` + change(4, ben) + `},{"external_id":"b.md","lose":` + change(0) + `,"gain":` + change(1, ben) + `}],"uncounted":7}`
	done := strings.Replace(runJSON("succeeded", "", true, 5, 5, 0, 0), `"remaining_s":null`, `"remaining_s":null,"preview":{"added":[],"modified":[],"deleted":[],"access":`+access+`}`, 1)
	s.syncs(done)
	s.expect(exitDone, `
scanned 5, added 0, modified 0, deleted 0, failed 0, unchanged 0 (a dry run: nothing was changed)
The permissions of 3 documents would change.
Accounts that lose: 1
  ann@acme.test  2 documents
Accounts that gain: 5
  A2  1 documents
  and 4 more
Groups with other members: 1
  dev␛[2J  2 join, 1 leave
Documents with other permissions, the first of them:
  a.md  1 lose (ann@acme.test), 4 gain (A2, …)
  b.md  0 lose, 1 gain (A2)
7 more changes were too many to count: who would lose and gain by them is not told.
`, "", "sync", "wiki", "--wait", "--dry-run")
}

func TestSyncTellsWarnings(t *testing.T) {
	s := newShell(t)
	s.syncs(strings.Replace(runJSON("succeeded", "", false, 5, 5, 0, 0), `"remaining_s":null`,
		`"remaining_s":null,"warnings":[{"code":"rate_limited","message":"Seconds\u001b[2J.","count":75}]`, 1))
	s.expect(exitDone, "scanned 5, added 0, modified 0, deleted 0, failed 0, unchanged 0\n", "warning: rate_limited (75) Seconds␛[2J.", "sync", "wiki", "--wait")
}

func TestProgressLine(t *testing.T) {
	left := 95
	for want, run := range map[string]client.Run{
		"queued: 0 scanned, 0 failed":                                               {State: "queued"},
		"running: 3 scanned, 1 failed":                                              {State: "running", Scanned: 3, Failed: 1},
		"waiting: 3 of 9 scanned, 0 failed":                                         {State: "running", Phase: "waiting", Scanned: 3, Total: 9},
		"reading: 3 scanned, 0 failed, 2.5 documents/s":                             {State: "running", Phase: "reading", Scanned: 3, Rate: 2.5},
		"reading: 53 of 1003 scanned, 0 failed, 10.0 documents/s, about 1m35s left": {State: "running", Phase: "reading", Scanned: 53, Total: 1003, Rate: 10, Remaining: &left},
	} {
		if got := progressLine(run); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSyncEnds(t *testing.T) {
	failure := `{"external_id":"a.pdf","url":"","reason":"It is encrypted.","code":"encrypted","attempts":1,"at":"2026-10-02T09:30:00Z"}`
	failures := `{"errors":[` + strings.Repeat(failure+",", shownErrors-1) + failure + `],"next_cursor":"more"}`
	for _, tt := range []struct {
		name   string
		end    string
		code   int
		stdout string
		stderr []string
	}{
		{
			"partial", runJSON("partial", "", false, 0, 9, 2, 0, 0, 7), exitDone, "scanned 9, added 2, modified 0, deleted 0, failed 7, unchanged 0\n",
			[]string{"a.pdf: It is encrypted.", "cairn source errors wiki"},
		},
		{
			"held back", runJSON("partial", "90 documents have vanished.", false), exitDone, "scanned 0, added 0, modified 0, deleted 0, failed 0, unchanged 0\n",
			[]string{"90 documents have vanished.", "cairn sync wiki --wait --confirm"},
		},
		{"dry run", runJSON("succeeded", "", true, 0, 9), exitDone, "scanned 9, added 0, modified 0, deleted 0, failed 0, unchanged 0 (a dry run: nothing was changed)\n", nil},
		{"failed", runJSON("failed", "the folder is gone", false), exitFailed, "scanned 0, added 0, modified 0, deleted 0, failed 0, unchanged 0\n", []string{"the sync of wiki failed: the folder is gone"}},
		{"cancelled", runJSON("cancelled", "", false), exitFailed, "scanned 0, added 0, modified 0, deleted 0, failed 0, unchanged 0\n", []string{"cancelled"}},
		{"gave way", runJSON("cancelled", "Another run has taken its place.", false), exitFailed, "scanned 0, added 0, modified 0, deleted 0, failed 0, unchanged 0\n", []string{"cancelled: Another run has taken its place."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			s.syncs(runJSON("queued", "", false), tt.end)
			s.Reply("GET /api/v1/sources/{name}/errors", 200, failures)
			code, stdout, stderr := s.run("sync", "wiki", "--wait")
			if code != tt.code || stdout != tt.stdout {
				t.Errorf("exit code %d, %q", code, stdout)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("standard error %q, want %q in it", stderr, want)
				}
			}
			s.expectJSON(tt.code, tt.end, "sync", "wiki", "--wait")
		})
	}
}

func TestSyncOfARunThatVanishes(t *testing.T) {
	s := newShell(t)
	s.Reply("POST /api/v1/sources/{name}/sync", 202, runJSON("queued", "", false))
	s.Reply("GET /api/v1/sources/{name}/runs", 200, `{"runs":[],"next_cursor":null}`)
	s.expect(exitFailed, "", "no longer knows", "sync", "wiki", "--wait")
}

func TestSyncInterrupted(t *testing.T) {
	s := newShell(t)
	s.syncs(runJSON("queued", "", false), runJSON("running", "", false))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var out, err bytes.Buffer
	code := run(ctx, []string{"sync", "wiki", "--wait"}, strings.NewReader(""), &out, &err)
	if code != exitFailed || !strings.Contains(err.String(), "goes on in the server") || out.Len() > 0 {
		t.Errorf("exit code %d, %q, %q", code, out.String(), err.String())
	}
}
