package gitrepo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// Web reaches repositories at a host over HTTP, with one credential: by the "smart"
// protocol of gitprotocol-http(5), of which two addresses are known. It may be used by
// several goroutines at once.
type Web struct {
	client   *remote.Client
	packs    *remote.Client // the same, for what a host may have to think about
	patience time.Duration  // how long a host may be silent that puts a pack together
}

// NewWeb returns a Web for the host of cfg.URL, the credential and the pace of cfg.
// Redirects are followed on the same host alone. Errors are those of remote.New.
func NewWeb(env connectors.Environment, cfg remote.Config) (*Web, error) {
	base, err := remote.ParseURL("url", cfg.URL)
	if err != nil {
		return nil, err
	}
	cfg.Follow = func(to *url.URL) bool { return strings.EqualFold(to.Hostname(), base.Hostname()) }
	if env.Network != nil {
		env.Network = raw{env.Network}
	}
	w := &Web{patience: 3 * cmp.Or(env.Timeout, 30*time.Second)}
	if w.client, err = remote.New(env, cfg); err != nil {
		return nil, err
	}
	env.Timeout = w.patience
	w.packs, err = remote.New(env, cfg)
	return w, err
}

// Repository returns the upstream of the repository at an address at the host.
func (w *Web) Repository(base *url.URL) *WebRepository { return &WebRepository{Web: w, base: base} }

// WebRepository is the upstream of one repository. It is for one run: short replies are
// kept.
type WebRepository struct {
	*Web
	base *url.URL // another after a redirect
	kept replies
}

var _ Upstream = (*WebRepository)(nil)

const (
	keyHeader = "X-Cairn-Key"
	maxAsk    = 64 << 20 // bytes of what git asks
	adverts   = "application/x-git-upload-pack-advertisement"
	asking    = "application/x-git-upload-pack-request"
)

// protocol is the version of git's protocol that the program git asks for first.
const protocol = "version=2"

// Look asks the host whether it has the repository: an ErrNotFound when it has none. The
// program git is not run; its own first request is answered with the same reply.
func (w *WebRepository) Look(ctx context.Context) error {
	_, err := w.advertised(ctx, http.Header{"Accept": {"*/*"}, "Git-Protocol": {protocol}})
	return err
}

// Open implements Upstream.
func (w *WebRepository) Open(ctx context.Context) (*Relay, error) {
	listener, key, err := listen()
	if err != nil {
		return nil, err
	}
	here := "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(ctx)
	r := &Relay{
		protocol: "http", listener: listener,
		// Also what git would ask of any other host by HTTP ends here, and is refused.
		config: map[string]string{
			"remote.origin.url": here + "/repository", "http.extraHeader": keyHeader + ": " + key, "http.proxy": here,
			"remote.origin.proxy": here, "http.lowSpeedLimit": "0",
		},
	}
	s := &webServer{WebRepository: w, relay: r, key: key, ctx: ctx}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
	r.stop = func() {
		cancel()
		_ = server.Close()
	}
	r.serving.Go(func() { _ = server.Serve(listener) })
	return r, nil
}

// webServer is what git talks to.
type webServer struct {
	*WebRepository
	relay *Relay
	key   string
	ctx   context.Context
}

// ServeHTTP implements http.Handler.
func (s *webServer) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	s.relay.serving.Add(1)
	defer s.relay.serving.Done()
	known := subtle.ConstantTimeCompare([]byte(r.Header.Get(keyHeader)), []byte(s.key)) == 1
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	switch {
	case !known || r.Host != s.relay.listener.Addr().String():
		http.Error(out, "not here", http.StatusForbidden)
	case r.Method == http.MethodGet && r.URL.Path == "/repository/info/refs" && r.URL.RawQuery == "service=git-upload-pack":
		s.advertise(ctx, out, r)
	case r.Method == http.MethodPost && r.URL.Path == "/repository/git-upload-pack":
		s.ask(ctx, out, r)
	default:
		http.Error(out, "not here", http.StatusForbidden)
	}
}

// fail notes a failure and ends the reply, so that git ends, too.
func (s *webServer) fail(out http.ResponseWriter, err error, broken bool) {
	s.relay.fail(err, broken)
	http.Error(out, "failed", http.StatusBadGateway)
}

// advertise answers what the repository can do.
func (s *webServer) advertise(ctx context.Context, out http.ResponseWriter, r *http.Request) {
	kept, err := s.advertised(ctx, headers(r))
	if err != nil {
		s.fail(out, err, false)
		return
	}
	write(out, kept)
}

// advertised asks the host what the repository can do, once for each version of the
// protocol.
func (w *WebRepository) advertised(ctx context.Context, header http.Header) (*reply, error) {
	key := []byte("info/refs " + header.Get("Git-Protocol"))
	if kept := w.kept.get(key); kept != nil {
		return kept, nil
	}
	res, err := w.client.Do(ctx, remote.Request{
		Path: w.base.JoinPath("info/refs").String(), Query: url.Values{"service": {"git-upload-pack"}}, Header: header,
		What: "the branches of the repository", MaxBytes: 256 << 20,
	})
	if err == nil {
		err = w.judge(res)
	}
	if err != nil {
		return nil, err
	}
	kept := &reply{adverts, res.Body}
	w.kept.put(key, kept)
	return kept, nil
}

// judge checks that a reply comes from a git server, and follows where it came from.
func (w *WebRepository) judge(res *remote.Response) error {
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	moved := strings.TrimSuffix(res.URL.Path, "/info/refs")
	switch {
	case res.Status >= 300:
		return &connectors.Error{Kind: connectors.ErrUnexpected, Status: res.Status,
			Message: w.client.Host() + " leads to another host when asked for the repository: set url to its new address"}
	case strings.TrimSpace(kind) != adverts || moved == res.URL.Path:
		return &connectors.Error{Kind: connectors.ErrUnexpected, Status: res.Status,
			Message: w.client.Host() + " answered with something else than a repository: check the url, and whether a sign-in page stands before it. Repositories that are only files on a web server cannot be read"}
	}
	base := *res.URL
	base.Path, base.RawPath, base.RawQuery = moved, strings.TrimSuffix(base.RawPath, "/info/refs"), ""
	w.base = &base
	return nil
}

// ask passes on what git asks.
func (s *webServer) ask(ctx context.Context, out http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxAsk))
	if err != nil || r.Header.Get("Content-Type") != asking {
		http.Error(out, "not so", http.StatusBadRequest)
		return
	}
	if kept := s.kept.get(body); kept != nil {
		write(out, kept)
		return
	}
	short := bytes.Contains(body[:min(len(body), 64)], []byte("command=ls-refs"))
	p := &payload{body: body, whole: short}
	client := s.packs
	if short {
		client = s.client
	}
	res, err := client.Do(context.WithValue(ctx, payloadKey{}, p), remote.Request{
		Method: http.MethodPost, Path: s.base.JoinPath("git-upload-pack").String(), Header: headers(r), Repeat: true,
		What: "the repository", MaxBytes: 256 << 20,
	})
	if err == nil && res.Status >= 300 {
		err = &connectors.Error{Kind: connectors.ErrUnexpected, Status: res.Status, Message: s.client.Host() + " leads elsewhere when asked for the repository: set url to its new address"}
	}
	if err != nil {
		s.fail(out, err, false)
		return
	}
	if p.stream == nil {
		kept := &reply{res.Header.Get("Content-Type"), res.Body}
		s.kept.put(body, kept)
		write(out, kept)
		return
	}
	defer p.stream.Close()
	s.stream(out, res, p.stream)
}

// stream passes a long reply on as it comes. What breaks off, breaks off for git as well.
func (s *webServer) stream(out http.ResponseWriter, res *remote.Response, body *stream) {
	out.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	buf := make([]byte, 64<<10)
	flush := http.NewResponseController(out)
	for {
		n, err := body.readWithin(buf, s.patience)
		if _, failed := out.Write(buf[:n]); failed != nil {
			return // git has ended
		}
		_ = flush.Flush()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.relay.fail(BrokenOff(s.client.Host()), true)
			panic(http.ErrAbortHandler)
		}
	}
}

// headers are those of git's that a host needs to see.
func headers(r *http.Request) http.Header {
	out := http.Header{}
	for _, name := range []string{"Accept", "Content-Type", "Content-Encoding", "Git-Protocol"} {
		if value := r.Header.Get(name); value != "" {
			out.Set(name, value)
		}
	}
	return out
}

func write(out http.ResponseWriter, r *reply) {
	out.Header().Set("Content-Type", r.kind)
	out.Header().Set("Cache-Control", "no-cache")
	_, _ = out.Write(r.body)
}
