package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/client"
)

// Copies come before older versions, three are named, and none can command the terminal.
func TestAlsoIn(t *testing.T) {
	october := time.Date(2026, 10, 2, 9, 30, 0, 0, time.UTC)
	trips, old := client.Copy{Title: "Trips\x1b[2J\n", Source: "wi\u202eki"}, client.Copy{Title: "Travel 2025", Source: "handbook", UpdatedAt: &october, Older: true}
	older := client.Copy{Source: "archive", Older: true}
	for _, tt := range []struct {
		copies []client.Copy
		want   string
	}{
		{[]client.Copy{trips}, "Also in: Trips␛[2J (wiki)"},
		{[]client.Copy{old, trips}, "Also in: Trips␛[2J (wiki); older version: Travel 2025 (handbook, 2026-10-02)"},
		{[]client.Copy{trips, old}, "Also in: Trips␛[2J (wiki); older version: Travel 2025 (handbook, 2026-10-02)"},
		{[]client.Copy{older, old}, "Older versions: Untitled (archive), Travel 2025 (handbook, 2026-10-02)"},
		{[]client.Copy{older, trips, old, trips, older}, "Also in: Trips␛[2J (wiki), Trips␛[2J (wiki); older version: Untitled (archive) and 2 more"},
	} {
		if diff := cmp.Diff(tt.want, alsoIn(tt.copies, 0)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if got, want := alsoIn([]client.Copy{trips, trips, trips, old}, 6), " and 7 more"; !strings.HasSuffix(got, want) {
		t.Errorf("%s; want %q at the end", got, want)
	}
}
