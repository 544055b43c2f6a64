package git

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

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/connectors/internal/remote"
)

// web is the upstream of a repository over HTTP: the "smart" protocol of
// gitprotocol-http(5), of which two addresses are known.
type web struct {
	base   *url.URL // of the repository; another after a redirect
	env    connectors.Environment
	user   string
	client *remote.Client // made at the first open
	packs  *remote.Client // the same, for what a host may have to think about
	signed bool           // there is a credential
	kept   replies
}

const (
	keyHeader = "X-Cairn-Key"
	maxAsk    = 64 << 20 // bytes of what git asks
	adverts   = "application/x-git-upload-pack-advertisement"
	asking    = "application/x-git-upload-pack-request"
)

// connect makes the client, once it is known whether there is a credential.
func (w *web) connect(ctx context.Context) error {
	if w.client != nil {
		return nil
	}
	cfg := remote.Config{
		URL: w.base.String(), Sign: remote.Basic(w.user), Account: w.user,
		Rate:   connectors.Rate{Every: 100 * time.Millisecond, Burst: 30},
		Follow: func(to *url.URL) bool { return strings.EqualFold(to.Hostname(), w.base.Hostname()) },
		Advice: "It needs to read the contents of the repository, no more.",
	}
	var token cairn.Secret
	var err error
	if w.env.Secrets != nil {
		if token, err = w.env.Secrets.Secret(ctx, "token"); err != nil {
			return err
		}
	}
	if w.signed = token.Set(); w.signed {
		cfg.Token = remote.Secret(w.env, "token")
	} else {
		cfg.Account = ""
	}
	env := w.env
	if env.Network != nil {
		env.Network = raw{env.Network}
	}
	if w.client, err = remote.New(env, cfg); err != nil {
		return err
	}
	env.Timeout = w.patience()
	w.packs, err = remote.New(env, cfg)
	return err
}

// patience is how long a host may be silent that puts a pack together.
func (w *web) patience() time.Duration {
	return 3 * cmp.Or(w.env.Timeout, 30*time.Second)
}

// open implements upstream.
func (w *web) open(ctx context.Context) (*relay, error) {
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	listener, key, err := listen()
	if err != nil {
		return nil, err
	}
	here := "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(ctx)
	r := &relay{
		protocol: "http", listener: listener,
		// Also what git would ask of any other host by HTTP ends here, and is refused.
		config: map[string]string{
			"remote.origin.url": here + "/repository", "http.extraHeader": keyHeader + ": " + key, "http.proxy": here,
			"remote.origin.proxy": here, "http.lowSpeedLimit": "0",
		},
	}
	s := &webServer{web: w, relay: r, key: key, ctx: ctx}
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
	*web
	relay *relay
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
	if errors.Is(err, connectors.ErrUnauthorized) && !s.signed {
		err = &connectors.Error{Kind: connectors.ErrUnauthorized, Status: http.StatusUnauthorized,
			Message: s.client.Host() + " asks who wants to read the repository, or has none there: check the url, and give the source a token with cairn source set NAME --secret token=FILE"}
	}
	s.relay.fail(err, broken)
	http.Error(out, "failed", http.StatusBadGateway)
}

// advertise answers what the repository can do.
func (s *webServer) advertise(ctx context.Context, out http.ResponseWriter, r *http.Request) {
	protocol := r.Header.Get("Git-Protocol")
	kept := s.kept.get([]byte("info/refs " + protocol))
	if kept == nil {
		res, err := s.client.Do(ctx, remote.Request{
			Path: s.base.JoinPath("info/refs").String(), Query: url.Values{"service": {"git-upload-pack"}}, Header: headers(r),
			What: "the branches of the repository", MaxBytes: 256 << 20,
		})
		if err == nil {
			err = s.judge(res)
		}
		if err != nil {
			s.fail(out, err, false)
			return
		}
		kept = &reply{adverts, res.Body}
		s.kept.put([]byte("info/refs "+protocol), kept)
	}
	write(out, kept)
}

// judge checks that a reply comes from a git server, and follows where it came from.
func (s *webServer) judge(res *remote.Response) error {
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	moved := strings.TrimSuffix(res.URL.Path, "/info/refs")
	switch {
	case res.Status >= 300:
		return &connectors.Error{Kind: connectors.ErrUnexpected, Status: res.Status,
			Message: s.client.Host() + " leads to another host when asked for the repository: set url to its new address"}
	case strings.TrimSpace(kind) != adverts || moved == res.URL.Path:
		return &connectors.Error{Kind: connectors.ErrUnexpected, Status: res.Status,
			Message: s.client.Host() + " answered with something else than a repository: check the url, and whether a sign-in page stands before it. Repositories that are only files on a web server cannot be read"}
	}
	base := *res.URL
	base.Path, base.RawPath, base.RawQuery = moved, strings.TrimSuffix(base.RawPath, "/info/refs"), ""
	s.base = &base
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
		n, err := body.readWithin(buf, s.patience())
		if _, failed := out.Write(buf[:n]); failed != nil {
			return // git has ended
		}
		_ = flush.Flush()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			s.relay.fail(brokenOff(s.client.Host()), true)
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
