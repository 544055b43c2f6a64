package api

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/server/audit"
)

// AppendAudit keeps events as rows of a chain.
func (m *memory) AppendAudit(_ context.Context, events []audit.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unlogged != nil {
		return m.unlogged
	}
	for _, e := range events {
		r := audit.Row{Event: e}
		if n := len(m.audited); n > 0 {
			r.Previous = m.audited[n-1].Hash
		}
		r.Seq = int64(len(m.audited) + 1)
		r.Hash = audit.HashOf(r)
		m.audited = append(m.audited, r)
	}
	return nil
}

func (m *memory) ListAudit(_ context.Context, f AuditFilter, p Page) ([]audit.Row, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := m.auditedLike(f)
	slices.Reverse(rows)
	return part(rows, p)
}

func (m *memory) auditedLike(f AuditFilter) []audit.Row {
	var rows []audit.Row
	for _, r := range m.audited {
		if (f.Account == "" || f.Account == r.Account) &&
			(f.Action == "" || f.Action == string(r.Action) || strings.HasPrefix(string(r.Action), f.Action+".")) &&
			(f.Outcome == "" || f.Outcome == r.Outcome) &&
			(f.Object.Kind == "" || f.Object.Kind == r.Object.Kind) && (f.Object.ID == "" || f.Object.ID == r.Object.ID) &&
			(f.Document == "" || slices.Contains(r.Documents, f.Document)) &&
			(f.Since.IsZero() || !r.At.Before(f.Since)) && (f.Until.IsZero() || r.At.Before(f.Until)) {
			rows = append(rows, r)
		}
	}
	return rows
}

func (m *memory) AuditRows(_ context.Context, f AuditFilter) iter.Seq2[audit.Row, error] {
	m.mu.Lock()
	rows := m.auditedLike(f)
	m.mu.Unlock()
	return func(yield func(audit.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memory) VerifyAudit(_ context.Context, known []audit.Mark) (audit.Verification, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	chain := audit.Chain{Known: known}
	for _, r := range m.audited {
		chain.Add(r)
	}
	return chain.End(nil), nil
}

func (m *memory) DocumentAccess(_ context.Context, id cairn.DocumentID) (DocumentAccess, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.documents {
		if d.ID == id {
			return DocumentAccess{Document: id, Source: d.SourceName, Mode: cairn.ACLDeclared, ACL: d.ACL, Withheld: m.withheld == id, Degraded: m.degraded}, nil
		}
	}
	return DocumentAccess{}, cairn.ErrNotFound
}
