package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/confluence"
	"github.com/cairnhq/cairn/connectors/files"
	"github.com/cairnhq/cairn/connectors/git"
	"github.com/cairnhq/cairn/connectors/github"
	"github.com/cairnhq/cairn/connectors/jira"
	"github.com/cairnhq/cairn/connectors/push"
	"github.com/cairnhq/cairn/connectors/slack"
	"github.com/cairnhq/cairn/connectors/web"
	"github.com/cairnhq/cairn/examples/acme"
	"github.com/cairnhq/cairn/jobs"
	"github.com/cairnhq/cairn/keyring"
	"github.com/cairnhq/cairn/migrations"
	"github.com/cairnhq/cairn/outbound"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/postgres/local"
	"github.com/cairnhq/cairn/retrieval"
	"github.com/cairnhq/cairn/retrieval/answer"
	"github.com/cairnhq/cairn/retrieval/extract"
	"github.com/cairnhq/cairn/retrieval/ingest"
	"github.com/cairnhq/cairn/retrieval/llm/builtin"
	"github.com/cairnhq/cairn/retrieval/llm/langchain"
	"github.com/cairnhq/cairn/retrieval/llm/reliable"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/audit"
)

// parts is everything below the server, in the order in which it is made; close
// ends it in the opposite order.
type parts struct {
	local     *local.Server        // the private PostgreSQL; nil when a database was named
	db        *postgres.DB         //
	stones    *postgres.Tombstones // ids of what was erased, beside the database
	audit     *audit.Writer        // the audit log
	index     *postgres.Index      // what can be found, by words and by vectors
	extractor *extract.Pool        // child processes that read documents
	pusher    *ingest.Pusher       // documents that programs bring
	syncer    *ingest.Syncer       // documents that Cairn fetches
	filler    *ingest.Filler       // vectors that follow; nil when they are there at once
	jobs      *jobs.Runner         // when and where that happens
	retriever *retrieval.Retriever // passages for a question
	asker     *answer.Asker        // answers
	slack     *postgres.Slack      // what the bot in Slack is asked
	kinds     connectors.Registry  //
	env       connectors.Environment
	log       *slog.Logger

	listen func(ctx context.Context) // hears what Slack sends over a socket
}

// kinds returns the kinds of source that this binary knows. A connector is
// registered by its line here.
func kinds() connectors.Registry {
	return connectors.NewRegistry(
		confluence.Kind(),
		files.Kind(),
		git.Kind(),
		github.Kind(),
		jira.Kind(),
		push.Kind(),
		slack.Kind(),
		web.Kind(),
		acme.Kind(),
	)
}

// openParts makes everything below the server from the settings.
func openParts(ctx context.Context, s server.Settings, log *slog.Logger) (*parts, error) {
	migrate := func(ctx context.Context, url string) error { return migrations.Up(ctx, url, log) }
	return open(ctx, s, log, migrate, (*parts).openRetrieval)
}

// openIndex opens a database that is there and the index alone: that of the vector
// space in which servers search, whatever embedder the settings name. Servers of
// another version may be at work beside it, so that it fails rather than migrate.
func openIndex(ctx context.Context, s server.Settings, log *slog.Logger) (*parts, error) {
	if !s.DatabaseURL.Set() && !local.Exists(s.DataDir) {
		return nil, fmt.Errorf("there is no database in %s: set CAIRN_DATA_DIR or CAIRN_DATABASE_URL as for cairn serve", s.DataDir)
	}
	return open(ctx, s, log, migrations.Check, func(p *parts, ctx context.Context, s server.Settings) error {
		space, err := p.db.ActiveSpace(ctx)
		if err != nil {
			return err
		}
		p.index = postgres.NewIndex(p.db, space)
		p.index.SetCache(s.IndexCacheMB << 20)
		return nil
	})
}

// open makes the database, whose schema is seen to by schema, and by rest what is to
// lie above it.
func open(ctx context.Context, s server.Settings, log *slog.Logger, schema func(ctx context.Context, url string) error,
	rest func(*parts, context.Context, server.Settings) error,
) (*parts, error) {
	p := &parts{log: log, kinds: kinds(), env: s.Connectors()}
	err := p.openDatabase(ctx, s, schema)
	if err == nil {
		err = rest(p, ctx, s)
	}
	if err != nil {
		p.close(context.WithoutCancel(ctx))
	}
	return p, err
}

func (p *parts) openDatabase(ctx context.Context, s server.Settings, schema func(ctx context.Context, url string) error) (err error) {
	url := s.DatabaseURL.Reveal()
	if url == "" {
		p.local, err = local.Start(ctx, local.Config{DataDir: s.DataDir, BinDir: s.PostgresBin, Log: p.log})
		if err != nil {
			return err
		}
		url = p.local.URL()
	}
	if err := schema(ctx, url); err != nil {
		return err
	}
	if p.db, err = postgres.Open(ctx, url, p.log); err != nil {
		return err
	}
	p.db.SetRetention(postgres.Retention{Documents: s.Retention.Duration(), Conversations: s.ConversationRetention.Duration()})
	p.stones = postgres.NewTombstones(p.db, s.DataDir)
	p.audit = audit.NewWriter(p.db, p.log)
	return nil
}

// openConnectors makes what connectors reach out with, and the keys of their secrets.
func (p *parts) openConnectors(ctx context.Context, s server.Settings) error {
	p.env.Network = outbound.NewNetwork(outbound.Config{Allowed: s.AllowedNetworks})
	p.env.Limiter = p.db
	p.env.Version, _ = buildVersion()
	keys, err := keys(s)
	if err != nil {
		return err
	}
	p.db.SetKeys(keys)
	ids, err := keys.IDs()
	if err != nil {
		return err
	}
	used, err := p.db.KeysInUse(ctx)
	for id, n := range used {
		if !slices.Contains(ids, id) {
			p.log.Error("secrets of sources cannot be opened: put their key back, or set them anew with cairn source set", "key", id, "secrets", n)
		}
	}
	return err
}

// keys returns the keys of the secrets of sources, those that the operator provides or
// Cairn's own.
func keys(s server.Settings) (*keyring.Ring, error) {
	switch {
	case s.SecretKey.Set():
		r := keyring.FromText(s.SecretKey)
		return r, r.Check()
	case s.SecretKeyFile != "":
		r := keyring.FromFile(s.SecretKeyFile)
		return r, r.Check()
	}
	return keyring.Own(filepath.Join(s.DataDir, "secret.key"))
}

func (p *parts) openRetrieval(ctx context.Context, s server.Settings) error {
	if err := p.openConnectors(ctx, s); err != nil {
		return err
	}
	if p.local != nil { // nobody else can be working on the database
		if err := p.db.EndLeases(ctx); err != nil {
			return err
		}
	}
	own, err := builtin.New()
	if err != nil {
		return err
	}
	e, err := p.openEmbedding(ctx, s, own)
	if err != nil {
		return err
	}
	if err := p.db.AdoptCluster(ctx); err != nil {
		return err
	}
	p.index = postgres.NewIndex(p.db, e.space)
	p.index.SetCache(s.IndexCacheMB << 20)
	if err := p.index.Load(ctx); err != nil {
		return err
	}
	reranker, err := openReranker(s)
	if err != nil {
		return err
	}
	p.retriever = retrieval.New(retrieval.Config{
		Index: p.index, Chunks: p.db, Embedder: e.query, LexicalWeight: e.words, Spread: e.spread, Reranker: reranker, Log: p.log,
	})

	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	p.extractor = extract.NewPool(extract.PoolConfig{
		Command: []string{self, extractCommand}, Workers: extractors(), Limits: limits(s), Log: p.log,
		CacheDir: compiledPrograms(s),
	})
	store := postgres.NewIngest(p.db, e.space)
	prepare := &ingest.Preparer{Extractor: p.extractor, Embedder: e.document}
	if e.document == nil {
		p.filler = &ingest.Filler{Vectors: store, Embedder: e.query, Log: p.log}
	}
	p.pusher = &ingest.Pusher{Store: store, Sources: p.db, Prepare: prepare}

	p.syncer = &ingest.Syncer{Store: store, Prepare: prepare, Workers: extractors(), Log: p.log}

	answers, name, err := answerers(s, own, p.log)
	if err != nil {
		return err
	}
	p.asker = answer.NewAsker(answer.AskerConfig{
		Finder: p.retriever, Record: postgres.NewAnswers(p.db), Answers: answers, Default: name, Log: p.log,
	})
	p.jobs, err = jobs.New(jobs.Config{
		Pool: p.db.Worker(), Runs: p.db, Kinds: p.kinds, Environment: p.env, Log: p.log,
		Secrets: p.db.Secrets, WorkDirs: filepath.Join(s.DataDir, "sources"),
		Syncer:  p.syncer,
		Chores:  []func(context.Context) error{p.db.PruneChanges, p.db.ForgetLimits, p.db.ForgetDeliveries, p.db.EraseExpired, p.db.Clean, p.expireAudit(s.AuditRetention.Duration()), p.db.ScanSensitive, p.db.ForgetSlack},
		Rescues: []func(context.Context) error{p.asker.Recover, p.stones.Keep, p.rescueSlack}, Maintain: p.index.Maintain,
		PermissionsEvery: s.PermissionsEvery.Duration(),
	})
	return err
}

// expireAudit returns the chore that removes the days of the audit log which are
// older than an age.
func (p *parts) expireAudit(age time.Duration) func(context.Context) error {
	return func(ctx context.Context) error { return p.db.ExpireAudit(ctx, age) }
}

// limits returns what one document may cost.
func limits(s server.Settings) extract.Limits {
	l := extract.DefaultLimits()
	l.InputBytes, l.TextBytes = int64(s.Extract.InputMB)<<20, s.Extract.TextMB<<20
	return l
}

// extractors returns how many documents are read at once.
func extractors() int { return min(max(runtime.NumCPU(), 2), 8) }

// compiledPrograms returns the folder that keeps the compiled PDF reader, which
// takes seconds to make: in the user's cache, else beside the data.
func compiledPrograms(s server.Settings) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(s.DataDir, "cache")
	}
	return filepath.Join(cache, "cairn", "compiled")
}

// answerers returns who answers, by the name of the model, and the name of the
// one that answers when none is asked for.
func answerers(s server.Settings, embedder *builtin.Embedder, log *slog.Logger) (map[string]*answer.Answerer, string, error) {
	all := map[string]*answer.Answerer{cairn.ExtractiveModel: answer.New(answer.Config{Embedder: embedder, Log: log})}
	if s.LLM.Model == "" {
		return all, cairn.ExtractiveModel, nil
	}
	model, err := langchain.NewLLM(langchain.Config{
		Provider: s.LLM.Provider, URL: s.LLM.URL, Model: s.LLM.Model, APIKey: s.LLM.APIKey.Reveal(),
		Limits: reliable.Config{FirstToken: s.LLM.FirstToken, Total: modelTotal(s)},
	})
	if err != nil {
		return nil, "", fmt.Errorf("model: %w", err)
	}
	all[model.Model()] = answer.New(answer.Config{
		LLM: model, Embedder: embedder, Log: log,
		Context: bytesPerToken * s.LLM.ContextTokens, FirstToken: s.LLM.FirstToken, Total: modelTotal(s),
	})
	return all, model.Model(), nil
}

// bytesPerToken is about what English takes.
const bytesPerToken = 4

// modelTotal returns how long an answer of the model may take in all.
func modelTotal(s server.Settings) time.Duration { return s.LLM.FirstToken + 150*time.Second }

// close ends everything that was made: what is running goes on after the next start.
func (p *parts) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var errs []error
	if p.asker != nil {
		patience, done := context.WithTimeout(ctx, 5*time.Second)
		p.asker.Close(patience)
		done()
	}
	if p.jobs != nil {
		errs = append(errs, p.jobs.Stop(ctx))
	}
	if p.extractor != nil {
		p.extractor.Close()
	}
	if p.audit != nil {
		patience, done := context.WithTimeout(ctx, 10*time.Second)
		p.audit.Close(patience)
		done()
	}
	if p.db != nil {
		p.db.Close()
	}
	if p.local != nil {
		errs = append(errs, p.local.Stop(ctx))
	}
	return errors.Join(errs...)
}
