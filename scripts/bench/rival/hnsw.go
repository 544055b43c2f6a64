package rival

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"
	pgxvector "github.com/pgvector/pgvector-go/pgx"

	"github.com/cairnhq/cairn/scripts/bench/exact"
)

// HNSW is a table with the vectors and classes of chunks under an HNSW index, in
// a database of its own.
type HNSW struct {
	Built Built
	conn  *pgx.Conn
}

// hnswDatabase is the name of the database.
const hnswDatabase = "bench_hnsw"

// OpenHNSW opens the table in a cluster, and makes it first when it is not there.
// connect connects to a database of the cluster as superuser.
func OpenHNSW(ctx context.Context, connect func(ctx context.Context, database string) (*pgx.Conn, error), chunks *exact.Chunks, classOf []int, dim int) (*HNSW, error) {
	admin, err := connect(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	defer admin.Close(ctx)
	var there bool
	if err := admin.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, hnswDatabase).Scan(&there); err != nil {
		return nil, err
	}
	if !there {
		if _, err := admin.Exec(ctx, `CREATE DATABASE `+hnswDatabase); err != nil {
			return nil, err
		}
	}
	h := &HNSW{}
	if h.conn, err = connect(ctx, hnswDatabase); err != nil {
		return nil, err
	}
	if err := h.open(ctx, chunks, classOf, dim); err != nil {
		h.Close(ctx)
		return nil, fmt.Errorf("HNSW: %w", err)
	}
	return h, nil
}

func (h *HNSW) open(ctx context.Context, chunks *exact.Chunks, classOf []int, dim int) error {
	if _, err := h.conn.Exec(ctx, `CREATE EXTENSION IF NOT EXISTS vector`); err != nil {
		return err
	}
	if err := pgxvector.RegisterTypes(ctx, h.conn); err != nil {
		return err
	}
	_, err := h.conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS built (seconds float8 NOT NULL, bytes bigint NOT NULL)`)
	if err != nil {
		return err
	}
	err = h.conn.QueryRow(ctx, `SELECT seconds, bytes FROM built`).Scan(&h.Built.Seconds, &h.Built.Bytes)
	if err != nil {
		if err := h.build(ctx, chunks, classOf, dim); err != nil {
			return err
		}
	}
	// The index is what is measured, even where the planner would rather read
	// the few rows of a viewer.
	_, err = h.conn.Exec(ctx, `SET hnsw.ef_search = 100; SET hnsw.iterative_scan = relaxed_order; SET enable_seqscan = off`)
	return err
}

func (h *HNSW) build(ctx context.Context, chunks *exact.Chunks, classOf []int, dim int) error {
	_, err := h.conn.Exec(ctx, fmt.Sprintf(`
		DROP TABLE IF EXISTS items; CREATE TABLE items (id int NOT NULL, acl_id int NOT NULL, v halfvec(%d) NOT NULL)`, dim))
	if err != nil {
		return err
	}
	_, err = h.conn.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"id", "acl_id", "v"}, pgx.CopyFromSlice(chunks.Len(), func(i int) ([]any, error) {
		return []any{int32(i), int32(classOf[chunks.Doc[i]]), pgvector.NewHalfVector(chunks.Vector(i))}, nil
	}))
	if err != nil {
		return err
	}
	began := time.Now()
	for _, statement := range []string{
		`SET maintenance_work_mem = '1GB'`,
		`SET max_parallel_maintenance_workers = 1`, // with the backend itself: two processors
		`CREATE INDEX items_v ON items USING hnsw (v halfvec_ip_ops) WITH (m = 16, ef_construction = 64)`,
	} {
		if _, err := h.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	h.Built.Seconds = time.Since(began).Seconds()
	if err := h.conn.QueryRow(ctx, `SELECT pg_relation_size('items_v')`).Scan(&h.Built.Bytes); err != nil {
		return err
	}
	if _, err := h.conn.Exec(ctx, `VACUUM ANALYZE items`); err != nil {
		return err
	}
	_, err = h.conn.Exec(ctx, `INSERT INTO built (seconds, bytes) VALUES ($1, $2)`, h.Built.Seconds, h.Built.Bytes)
	return err
}

// Search returns the numbers of the chunks nearest to v among those of the
// classes; nil means all classes.
func (h *HNSW) Search(ctx context.Context, v []float32, classes []int32, limit int) ([]int, error) {
	where, args := ``, []any{pgvector.NewHalfVector(v), limit}
	if classes != nil {
		where = `WHERE acl_id = ANY ($3)`
		args = append(args, classes)
	}
	rows, err := h.conn.Query(ctx, `SELECT id FROM items `+where+` ORDER BY v <#> $1 LIMIT $2`, args...)
	if err != nil {
		return nil, fmt.Errorf("HNSW: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

// Close closes the connection.
func (h *HNSW) Close(ctx context.Context) { _ = h.conn.Close(ctx) }
