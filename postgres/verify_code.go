package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/code"
)

// code counts the files of code that the index has, and tells of those that it has not as
// this version of the program would have them.
func (v *verifier) code(ctx context.Context) error {
	missing := 0
	err := v.tx.QueryRow(ctx, `
		SELECT count(f.document_id), count(*) - count(f.document_id)
		FROM documents d LEFT JOIN code_files f ON f.document_id = d.id AND f.version = d.version AND f.format = $2
		WHERE d.kind = $1 AND d.hidden_at IS NULL`, cairn.KindCode, code.Format).Scan(&v.found.Code, &missing)
	if err != nil {
		return err
	}
	if missing > 0 {
		v.problem(0, "%d files of code are not in the index of code, or as another version of Cairn left them there", missing)
	}
	return nil
}

// codeTexts derives the index of code from the texts, and compares.
func (v *verifier) codeTexts(ctx context.Context) error {
	var differ alike
	for after := cairn.DocumentID(""); ; {
		derived := make(map[cairn.DocumentID]code.File, codeAtOnce)
		names := make(map[cairn.DocumentID]string, codeAtOnce)
		err := eachCode(ctx, v.tx, func(d *cairn.Document) {
			f, _ := code.Describe(d)
			f.Language = strings.ToLower(f.Language)
			derived[d.ID], names[d.ID] = f, d.External
			after = max(after, d.ID)
		}, codeToVerify, cairn.KindCode, after, codeAtOnce)
		if err != nil {
			return err
		}
		if len(derived) == 0 {
			break
		}
		err = v.storedCode(ctx, derived, func(id cairn.DocumentID, stored code.File) {
			if !sameCode(stored, derived[id]) {
				differ.add("%s", names[id])
			}
		})
		if err != nil {
			return err
		}
	}
	v.problems(0, "files of code are in the index of code with another text", differ)
	return nil
}

const codeToVerify = codeColumns + ` WHERE kind = $1 AND hidden_at IS NULL AND id > $2 ORDER BY id LIMIT $3` + codeBodies

// sameCode reports whether two files are the same to the index.
func sameCode(a, b code.File) bool {
	return a.Language == b.Language && a.Place == b.Place && a.Size == b.Size && a.Name == b.Name && a.Stem == b.Stem && slices.Equal(a.Trigrams, b.Trigrams) &&
		slices.EqualFunc(a.Symbols, b.Symbols, func(a, b code.Ranked) bool {
			return a.Definition == b.Definition && a.Rank == b.Rank && slices.Equal(a.Around, b.Around)
		})
}

// storedCode calls compare with what the index has of files, as this version of the program
// made it.
func (v *verifier) storedCode(ctx context.Context, of map[cairn.DocumentID]code.File, compare func(cairn.DocumentID, code.File)) error {
	ids := make([]cairn.DocumentID, 0, len(of))
	for id := range of {
		ids = append(ids, id)
	}
	symbols := make(map[cairn.DocumentID][]code.Ranked, len(ids))
	rows, err := v.tx.Query(ctx, `
		SELECT document_id, name, scope, kind, line, last_line, rank, around, name_hash FROM code_symbols
		WHERE document_id = ANY ($1) ORDER BY document_id, ordinal`, ids)
	if err != nil {
		return err
	}
	var id cairn.DocumentID
	var r code.Ranked
	var hash int64
	_, err = pgx.ForEachRow(rows, []any{&id, &r.Name, &r.Scope, &r.Kind, &r.Line, &r.Last, &r.Rank, &r.Around, &hash}, func() error {
		if hash != code.Hash(r.Name) {
			r.Around = nil // it is found by another name
		}
		symbols[id] = append(symbols[id], r)
		r = code.Ranked{}
		return nil
	})
	if err != nil {
		return err
	}
	rows, err = v.tx.Query(ctx, `
		SELECT f.document_id, f.language, f.place, f.size, f.name_hash, f.stem_hash, f.trigrams
		FROM code_files f JOIN documents d ON d.id = f.document_id AND d.version = f.version
		WHERE f.document_id = ANY ($1) AND f.format = $2`, ids, code.Format)
	if err != nil {
		return err
	}
	var f code.File
	_, err = pgx.ForEachRow(rows, []any{&id, &f.Language, &f.Place, &f.Size, &f.Name, &f.Stem, &f.Trigrams}, func() error {
		f.Symbols = symbols[id]
		compare(id, f)
		f = code.File{}
		return nil
	})
	return err
}
