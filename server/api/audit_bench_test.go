package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
	"github.com/cairnhq/cairn/server/auth"
)

// drop is an audit log that keeps nothing.
type drop struct{}

func (drop) AppendAudit(context.Context, []audit.Event) error { return nil }

// BenchmarkSearchAudited compares a search that finds ten documents with and
// without an audit log.
func BenchmarkSearchAudited(b *testing.B) {
	m := newMemory()
	ann := m.Add(cairn.Account{Email: "ann@acme.com", Role: cairn.RoleMember})
	for i := range 10 {
		m.documents = append(m.documents, StoredDocument{State: cairn.CitationCurrent, Document: cairn.Document{
			ID: cairn.DocumentID(cairn.NewID()), Title: fmt.Sprint(i), Body: []byte("Meals are paid."), ACL: cairn.Allow(cairn.Everyone),
		}})
	}
	log := slog.New(slog.DiscardHandler)
	for _, name := range []string{"without", "with"} {
		b.Run(name, func(b *testing.B) {
			var w *audit.Writer
			if name == "with" {
				w = audit.NewWriter(drop{}, log)
				defer w.Close(context.Background())
			}
			a, err := auth.New(auth.Config{Store: m, Log: log})
			if err != nil {
				b.Fatal(err)
			}
			s, err := server.New(server.Config{Auth: a, Routes: New(Config{Store: m, Auth: a, Search: finder{m}, Log: log}).Routes(), Log: log, Audit: w})
			if err != nil {
				b.Fatal(err)
			}
			token := "Bearer " + m.Token(ann.ID, time.Now(), cairn.ScopeSearch)
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/api/v1/search", strings.NewReader(`{"query":"Meals"}`))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", token)
				rec := httptest.NewRecorder()
				if s.Handler().ServeHTTP(rec, r); rec.Code != http.StatusOK {
					b.Fatal(rec.Code, rec.Body)
				}
			}
		})
	}
}
