package api

import (
	"context"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/sensitive"
	"github.com/cairnhq/cairn/server/auth"
)

func (m *memory) PreviewAccess(ctx context.Context, edited cairn.Source, own func(external string) *cairn.ACL) (AccessChange, error) {
	var out AccessChange
	lost, gained := map[cairn.AccountID]int{}, map[cairn.AccountID]int{}
	for _, d := range m.documents {
		if d.Source != edited.ID || d.State != cairn.CitationCurrent {
			continue
		}
		after := edited.ACL
		if own != nil && own(d.External) != nil {
			after = *own(d.External)
		}
		if after.Hash() == d.ACL.Hash() {
			continue
		}
		out.Documents++
		for _, a := range m.AllAccounts() {
			h, err := m.Holder(ctx, a.ID)
			if err != nil {
				return out, err
			}
			switch v := auth.ViewerOf(h); {
			case d.ACL.Admits(v) && !after.Admits(v):
				lost[a.ID]++
			case !d.ACL.Admits(v) && after.Admits(v):
				gained[a.ID]++
			}
		}
	}
	for _, a := range m.AllAccounts() {
		if lost[a.ID] > 0 {
			out.Lose = append(out.Lose, AccountChange{a, lost[a.ID]})
		}
		if gained[a.ID] > 0 {
			out.Gain = append(out.Gain, AccountChange{a, gained[a.ID]})
		}
	}
	return out, nil
}

// shared is what the fake reports; the source begins like a formula.
func shared() []OversharedDocument {
	return []OversharedDocument{
		{Document: "salaries", Source: "-cmd", Counts: map[sensitive.Kind]int{sensitive.IBAN: 2, sensitive.AWSKey: 1}, Readers: Readers{Everyone: true, Accounts: 4}},
		{Document: "travel", Source: "handbook", Counts: map[sensitive.Kind]int{sensitive.Salary: 3}, Readers: Readers{Accounts: 3}},
	}
}

func (m *memory) Oversharing(ctx context.Context, moreThan *int, days int, p Page) (Oversharing, string, error) {
	all, err := m.OversharedDocuments(ctx, moreThan)
	if err != nil {
		return Oversharing{}, "", err
	}
	day := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	out := Oversharing{Accounts: 4, MoreThan: 2, Scanned: day, Pending: days}
	if moreThan != nil {
		out.MoreThan = *moreThan
	}
	for _, d := range all {
		s := OversharedSource{Source: d.Source, Documents: 1, Kinds: map[sensitive.Kind]int{}}
		for kind := range d.Counts {
			s.Kinds[kind] = 1
		}
		out.Sources = append(out.Sources, s)
	}
	out.Days = []OversharedDay{{Day: day, Source: "handbook", Kind: sensitive.Salary, Documents: 1}}
	next := ""
	out.Documents, next, err = part(all, p)
	return out, next, err
}

func (m *memory) OversharedDocuments(_ context.Context, moreThan *int) ([]OversharedDocument, error) {
	return slices.DeleteFunc(shared(), func(d OversharedDocument) bool {
		return moreThan != nil && !d.Readers.Everyone && d.Readers.Accounts <= *moreThan
	}), nil
}

func (m *memory) RequestScan(context.Context) error { return nil }
