package auth_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/authtest"
)

// What counts deliveries does not keep the names that strangers send them to.
func TestAllowHookKeepsNoNames(t *testing.T) {
	now := time.Now()
	a, err := auth.New(auth.Config{Store: authtest.New(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc >> 20)
	}
	before := heap()
	r := httptest.NewRequest("POST", "/", nil)
	for i := range 2000 {
		now = now.Add(20 * time.Millisecond)
		if err := a.AllowHook(r, fmt.Sprintf("%06d", i)+strings.Repeat("x", 60<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if after := heap(); after > before+20 {
		t.Errorf("2,000 names of 60 kB take %d MiB", after-before)
	}
	// Long names that differ at their end are two, and each is counted.
	for _, name := range []string{strings.Repeat("y", 60<<10) + "1", strings.Repeat("y", 60<<10) + "2"} {
		now = now.Add(time.Minute)
		for range 200 {
			if err := a.AllowHook(r, name); err != nil {
				t.Fatal(err)
			}
		}
		if a.AllowHook(r, name) == nil {
			t.Error("the 201st delivery at once is let in")
		}
	}
	runtime.KeepAlive(a)
}
