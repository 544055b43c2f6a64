package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/postgres"
	"github.com/cairnhq/cairn/retrieval/code"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/api"
	"github.com/cairnhq/cairn/server/auth"
	"github.com/cairnhq/cairn/server/auth/password"
	"github.com/cairnhq/cairn/server/hooks"
	"github.com/cairnhq/cairn/server/mcp"
	"github.com/cairnhq/cairn/server/openai"
	"github.com/cairnhq/cairn/server/scim"
	"github.com/cairnhq/cairn/web"
)

// serveCommand returns `cairn serve`.
func serveCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server. Without CAIRN_DATABASE_URL it runs a private PostgreSQL in its data
directory. On a loopback address nobody needs to sign in: the printed address lets you in.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := e.settings()
			if err != nil {
				return err
			}
			return serve(cmd.Context(), settings, e.stdout, e.stderr)
		},
	}
}

// collectAt is at how many percent of growth memory is collected: half of Go's own.
// Most of it is the index, arrays without pointers, which cost a collection nothing
// and would otherwise be kept twice. GOGC overrules it.
const collectAt = 50

// serve runs the server until ctx ends.
func serve(ctx context.Context, s server.Settings, stdout, stderr io.Writer) error {
	if usual := debug.SetGCPercent(collectAt); usual != 100 {
		debug.SetGCPercent(usual) // GOGC says so
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	for _, name := range s.Unknown {
		log.Warn("this variable is no setting of Cairn; check its spelling", "name", name)
	}
	if err := os.MkdirAll(s.DataDir, 0o755); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	// The address is taken first: a second server on it should fail before it
	// touches the database.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s (is another Cairn running? set CAIRN_ADDR to another address): %w", s.Addr, err)
	}
	defer listener.Close()
	parts, err := openParts(ctx, s, log)
	if err != nil {
		return err
	}
	defer func() {
		if err := parts.close(context.WithoutCancel(ctx)); err != nil {
			log.Error("did not stop cleanly", "error", err)
		}
	}()
	if err := parts.stones.Replay(ctx); err != nil {
		return err
	}
	http, greet, err := newServer(ctx, s, parts)
	if err != nil {
		return err
	}
	if err := parts.jobs.Start(ctx); err != nil {
		return err
	}
	go parts.warm(ctx)
	go parts.db.FollowCode(ctx)
	go parts.listen(ctx)
	if parts.filler != nil {
		go parts.filler.Run(ctx)
	}
	sample, err := addSample(ctx, s, parts)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- http.Serve(listener) }()
	if err := parts.awaitRun(ctx, sample, samplePatience); err != nil {
		return err
	}
	greet(stdout, listener.Addr())
	select {
	case err := <-served:
		return err
	case err := <-parts.databaseEnded():
		return err
	case <-ctx.Done():
	}
	log.Info("stopping")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.DrainDelay+15*time.Second)
	defer cancel()
	return http.Shutdown(last)
}

// warm prepares what the first document would have to wait for.
func (p *parts) warm(ctx context.Context) {
	if err := p.extractor.Warm(ctx); err != nil && ctx.Err() == nil {
		p.log.Warn("the readers of documents could not be prepared", "error", err)
	}
}

// databaseEnded tells when the private PostgreSQL has ended for good.
func (p *parts) databaseEnded() <-chan error {
	if p.local == nil {
		return nil
	}
	ended := make(chan error, 1)
	go func() {
		if err := p.local.Wait(); err != nil {
			ended <- fmt.Errorf("the embedded PostgreSQL ended: %w", err)
		}
	}()
	return ended
}

// newServer returns the HTTP server over the parts, and what to print when it
// has begun to listen.
func newServer(ctx context.Context, s server.Settings, p *parts) (*server.Server, func(io.Writer, net.Addr), error) {
	config := auth.Config{
		Store: p.db, Log: p.log, Secure: s.Secure(), PublicOrigin: s.PublicOrigin(), OIDC: openIssuer(s, p.log),
		Proxies: s.TrustedProxies, SessionMax: s.SessionMax, SessionIdle: s.SessionIdle,
	}
	if s.Passwords {
		config.Passwords = password.New(password.DefaultCost())
	}
	if s.OIDC.GroupsClaim == "" {
		if err := p.db.ForgetGroups(ctx, cairn.OIDCDirectory); err != nil {
			return nil, nil, err
		}
	}
	if s.Local() {
		var err error
		if config.Local, err = auth.NewLocal(s.DataDir); err != nil {
			return nil, nil, err
		}
	} else if err := p.db.EndLocalAccess(ctx); err != nil {
		return nil, nil, err
	}
	authenticator, err := auth.New(config)
	if err != nil {
		return nil, nil, err
	}
	files, built := web.Files()
	if !built {
		files = nil
		p.log.Warn("this binary was built without the web UI; make build includes it")
	}
	searcher := code.New(p.db) // one, as it keeps texts in memory
	surface := api.New(api.Config{
		Store: p.db, Auth: authenticator, Search: p.retriever, Code: searcher, Ask: p.asker, Push: p.pusher, Jobs: p.jobs, Index: p.index,
		Kinds: p.kinds, Environment: p.env, Models: models(p), Log: p.log,
		Erased: p.bury, BaseURL: s.PublicOrigin(),
	})
	provisioning := scim.New(scim.Config{Store: postgres.NewSCIM(p.db), BaseURL: s.PublicOrigin(), Erased: p.bury})
	receiver := hooks.New(hooks.Config{Store: p.db, Auth: authenticator, Kinds: p.kinds, Log: p.log})
	completions := openai.New(openai.Config{Ask: p.asker, BaseURL: s.PublicOrigin(), Log: p.log})
	version, _ := buildVersion()
	tools := mcp.New(mcp.Config{
		Store: postgres.NewMCP(p.db), Auth: authenticator, Search: p.retriever, Code: searcher, Ask: p.asker, BaseURL: s.PublicOrigin(), Version: version, Log: p.log,
	})
	http, err := server.New(server.Config{
		Auth: authenticator, Routes: slices.Concat(surface.Routes(), provisioning.Routes(), receiver.Routes(), completions.Routes(), tools.Routes(), openSlack(s, p, authenticator).Routes()), Web: files, Ready: p.db.Ping, Log: p.log, Audit: p.audit, Secure: s.Secure(),
		DrainDelay: s.DrainDelay, Readable: p.db.Readable,
	})
	if err != nil {
		return nil, nil, err
	}
	greet, err := greeting(ctx, s, p, authenticator, config.Local)
	return http, greet, err
}

// bury keeps the tombstones of what was just erased. What cannot be written is tried
// again every few seconds.
func (p *parts) bury(ctx context.Context) {
	if err := p.stones.Keep(ctx); err != nil {
		p.log.Error("the ids of what was erased could not be kept outside of the database; is the data directory full?", "error", err)
	}
}

func models(p *parts) []api.Model {
	var out []api.Model
	for i, name := range p.asker.Models() {
		if name != cairn.ExtractiveModel {
			out = append(out, api.Model{Name: name, Default: i == 0})
		}
	}
	return out
}

// greeting returns what prints the address, with what a person needs to get in.
func greeting(ctx context.Context, s server.Settings, p *parts, a *auth.Authenticator, local *auth.Local) (func(io.Writer, net.Addr), error) {
	code := ""
	if local == nil {
		known, err := p.db.HasAdministrator(ctx)
		if err != nil {
			return nil, err
		}
		if !known {
			if code, _, err = a.NewCode(ctx, ""); err != nil {
				return nil, err
			}
		}
	}
	return func(w io.Writer, addr net.Addr) {
		base := "http://" + addr.String()
		if s.PublicOrigin() != "" {
			base = s.PublicOrigin()
		}
		switch {
		case local != nil:
			fmt.Fprintf(w, "\nCairn is ready. Open this address, it lets you in:\n\n  %s/?token=%s\n", base, local.Token())
		case code != "":
			fmt.Fprintf(w, "\nCairn is ready at %s\n\nNobody can sign in yet. The first administrator signs in at\n\n  %s/login\n\nwith the code  %s  (valid for 24 hours, once), or here with\n\n  %s login --code %s --email YOUR-ADDRESS\n", base, base, code, os.Args[0], code)
		default:
			fmt.Fprintf(w, "\nCairn is ready at %s\n", base)
		}
		if s.Sample {
			fmt.Fprintf(w, "\nThe sample company is there. A first question, in the browser or in another terminal:\n\n  %s ask %q\n\n", os.Args[0], firstQuestion)
		}
	}, nil
}

// firstQuestion is answered by the sample company.
const firstQuestion = "What is the hotel limit in Oslo?"

// sampleSource is the name of the sample company's source.
const sampleSource = "acme"

// addSample gives an empty database the sample company, when the settings ask
// for it, and returns the run that reads it; empty when there is none.
func addSample(ctx context.Context, s server.Settings, p *parts) (run string, err error) {
	if !s.Sample {
		return "", nil
	}
	sources, _, err := p.db.ListSources(ctx, api.Page{Limit: 1})
	if err != nil || len(sources) > 0 {
		return "", err
	}
	source, err := p.db.CreateSource(ctx, cairn.Source{
		Name: sampleSource, Kind: "sample", ACLMode: cairn.ACLDeclared, ACL: cairn.Allow(cairn.Everyone),
	})
	if errors.Is(err, cairn.ErrConflict) { // another replica was faster
		return "", nil
	}
	if err != nil {
		return "", err
	}
	queued, err := p.jobs.Sync(ctx, source.ID, cairn.SyncOptions{})
	return queued.ID, err
}

// samplePatience is how long the greeting waits for the sample company, so that
// the question that it proposes is answered.
const samplePatience = 15 * time.Second

// awaitRun waits until a run has ended, or for as long as patience; not at all
// for the empty one.
func (p *parts) awaitRun(ctx context.Context, run string, patience time.Duration) error {
	if run == "" {
		return nil
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		r, err := p.db.RunByID(ctx, run)
		if err != nil || r.State.Final() {
			return err
		}
	}
	return nil
}
