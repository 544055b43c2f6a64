package hooks

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/semaphore"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/connectors"
	"github.com/cairnhq/cairn/server"
	"github.com/cairnhq/cairn/server/auth"
)

const (
	// MaxBody is how long the body of a delivery may be. Places may send more, such as
	// GitHub 25 MB; what that tells of is found by the clock.
	MaxBody  = 1 << 20
	readBody = 10 * time.Second // to send it
	// allBodies is how many bytes of bodies are held at once, those for sources that do not
	// exist among them; a delivery waits for patience until there is room. Places such as
	// Slack wait for three seconds for the answer.
	allBodies = 32 << 20
	patience  = time.Second
	maxEvent  = 64 // characters of what is kept of an event's name
)

// Delivery is what is kept of a request that was signed: nothing of its content.
type Delivery struct {
	ID    string // that of the place or, where it has none, a hash of the body
	Event string
	Tells connectors.Tells
	Part  string // of the source, that alone has changed; empty: nobody knows
}

// Refusal is a word for why a delivery was refused.
type Refusal string

// Why a delivery is refused.
const (
	Unsigned  Refusal = "unsigned"   // the signature is missing or of another secret
	Stale     Refusal = "stale"      // the signature is of another time
	TooLarge  Refusal = "too_large"  // the body is longer than MaxBody
	MediaType Refusal = "media_type" // the body is not sent as JSON
	Malformed Refusal = "malformed"  // the body is no JSON object
	NoSecret  Refusal = "no_secret"  // the secret cannot be opened: its key is gone
)

// Store keeps deliveries.
type Store interface {
	// HookedSource returns the source with a name (its id, name, kind and settings) and the
	// secret of its webhook; ErrNotFound when there is none or it has none, ErrUnavailable
	// when the secret cannot be opened. It takes about the same time for all of these.
	HookedSource(ctx context.Context, name string) (cairn.Source, cairn.Secret, error)
	// NoteDelivery notes that a source has told of something, and reports whether its id is
	// new. ErrNotFound when the source is gone.
	NoteDelivery(ctx context.Context, source cairn.SourceID, d Delivery) (fresh bool, err error)
	// NoteRefusal notes that a delivery to the source with a name was refused, if there is
	// such a source and it has a secret.
	NoteRefusal(ctx context.Context, name string, why Refusal) error
}

// Config is what the receiver works with.
type Config struct {
	Store Store
	Auth  *auth.Authenticator
	Kinds connectors.Registry
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// Receiver answers deliveries. It may be used by several goroutines at once.
type Receiver struct {
	cfg    Config
	decoy  []byte        // a secret that nobody has
	noting chan struct{} // full while a refusal is noted
	room   *semaphore.Weighted
}

// New returns a Receiver.
func New(cfg Config) *Receiver {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &Receiver{cfg: cfg, decoy: make([]byte, 32), noting: make(chan struct{}, 1), room: semaphore.NewWeighted(allBodies)}
	_, _ = rand.Read(r.decoy) // it never fails
	return r
}

// Routes returns the one route, which everybody may use who can sign.
func (r *Receiver) Routes() []server.Route {
	return []server.Route{{Method: http.MethodPost, Path: server.HookPath(":source"), Public: true, Handle: r.receive}}
}

// receive answers POST /hooks/{source}. What it does is one row, so that places which
// wait for some seconds only are answered in time.
func (r *Receiver) receive(c *gin.Context) error {
	ctx, name := c.Request.Context(), c.Param("source")
	if err := r.cfg.Auth.AllowHook(c.Request, name); err != nil {
		return err
	}
	leave, err := r.enter(c.Request)
	if err != nil {
		return err
	}
	defer leave()
	d := connectors.Delivery{Header: c.Request.Header, At: r.cfg.Now()}
	if d.Body, err = body(c); err != nil {
		if errors.Is(err, cairn.ErrTooLarge) {
			r.refuse(ctx, name, TooLarge)
		}
		return err
	}
	source, hook, err := r.verify(ctx, name, d)
	if err != nil {
		return err
	}
	news, err := r.read(ctx, source, hook, d)
	if err != nil {
		return err
	}
	if _, err := r.cfg.Store.NoteDelivery(ctx, source.ID, kept(news, d)); err != nil {
		return err
	}
	if news.Challenge != "" {
		return reply(c, map[string]string{"challenge": news.Challenge})
	}
	return reply(c, map[string]bool{"accepted": true})
}

// verify returns the source that a delivery is for, when it was signed with the secret of
// that. All else is ErrNotFound, and takes about the same time.
func (r *Receiver) verify(ctx context.Context, name string, d connectors.Delivery) (cairn.Source, *connectors.Hook, error) {
	source, secret, err := r.cfg.Store.HookedSource(ctx, name)
	hook := r.cfg.Kinds[source.Kind].Hook
	switch {
	case errors.Is(err, cairn.ErrNotFound), err == nil && hook == nil:
		mac := hmac.New(sha256.New, r.decoy)
		_, _ = mac.Write(d.Body)
		_ = hmac.Equal(mac.Sum(nil), r.decoy)
		r.refuse(ctx, name, Unsigned) // which notes nothing
		return source, nil, cairn.ErrNotFound
	case errors.Is(err, cairn.ErrUnavailable):
		r.cfg.Log.ErrorContext(ctx, "the secret of a webhook cannot be opened", slog.String("source", name), slog.Any("error", err))
		r.refuse(ctx, name, NoSecret)
		return source, nil, cairn.ErrNotFound
	case err != nil:
		return source, nil, err
	}
	if err := hook.Verify(secret, d); err != nil {
		why := Unsigned
		if errors.Is(err, connectors.ErrStale) {
			why = Stale
		}
		r.refuse(ctx, name, why)
		return source, nil, cairn.ErrNotFound
	}
	return source, hook, nil
}

// read returns what a delivery tells that was signed.
func (r *Receiver) read(ctx context.Context, source cairn.Source, hook *connectors.Hook, d connectors.Delivery) (connectors.News, error) {
	if kind, _, err := mime.ParseMediaType(d.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		r.refuse(ctx, source.Name, MediaType)
		return connectors.News{}, cairn.Errorf(cairn.ErrInvalid, "send the body with \"Content-Type: application/json\"")
	}
	news, err := hook.Read(source.Settings, d)
	if err != nil {
		r.refuse(ctx, source.Name, Malformed)
	}
	return news, err
}

// refuse notes in the background that a delivery was refused: who has sent it learns
// nothing from how long that takes. While one is noted others are not.
func (r *Receiver) refuse(ctx context.Context, name string, why Refusal) {
	select {
	case r.noting <- struct{}{}:
	default:
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer func() { <-r.noting }()
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := r.cfg.Store.NoteRefusal(ctx, name, why); err != nil {
			r.cfg.Log.WarnContext(ctx, "a refused delivery could not be noted", slog.Any("error", err))
		}
	}()
}

var (
	identifier = regexp.MustCompile(`^[A-Za-z0-9._:+/=-]{1,128}$`)
	notShown   = regexp.MustCompile(`[^A-Za-z0-9._:-]`)
)

// kept returns what is kept of a delivery. Only words that name an event are, not what
// else a place may put there. Bodies do not tell deliveries apart: that of who leaves a
// team for the second time may be the same.
func kept(news connectors.News, d connectors.Delivery) Delivery {
	out := Delivery{ID: news.ID, Event: notShown.ReplaceAllString(news.Event, ""), Tells: news.Tells}
	if !identifier.MatchString(out.ID) {
		sum := sha256.Sum256(d.Body)
		out.ID = hex.EncodeToString(sum[:])
	}
	if news.Tells == connectors.TellsChange && identifier.MatchString(news.Part) {
		out.Part = news.Part
	}
	out.Event = out.Event[:min(len(out.Event), maxEvent)]
	return out
}

// enter waits until there is room for the body of a request; leave gives it back. Without
// room in time the error is a *server.Busy.
func (r *Receiver) enter(req *http.Request) (leave func(), err error) {
	size := sizeOf(req)
	ctx, cancel := context.WithTimeout(req.Context(), patience)
	defer cancel()
	if err := r.room.Acquire(ctx, size); err != nil {
		return nil, &server.Busy{After: readBody, Message: "many deliveries are being received just now; send this again in a moment"}
	}
	return func() { r.room.Release(size) }, nil
}

// sizeOf is how much of a body is held at most.
func sizeOf(req *http.Request) int64 {
	if size := req.ContentLength; size >= 0 && size <= MaxBody {
		return size
	}
	return MaxBody
}

// body reads the body, as far as it is taken.
func body(c *gin.Context) ([]byte, error) {
	tooLarge := cairn.Errorf(cairn.ErrTooLarge, "the body is larger than %d MiB; what it tells of is found by the next sync", MaxBody>>20)
	if c.Request.ContentLength > MaxBody {
		return nil, tooLarge
	}
	b := bytes.NewBuffer(make([]byte, 0, sizeOf(c.Request)+bytes.MinRead)) // it need not grow
	err := server.ReadBodyInto(b, c, MaxBody, readBody)
	switch {
	case errors.Is(err, server.ErrBodyTooLarge):
		return nil, tooLarge
	case err != nil:
		return nil, cairn.Errorf(cairn.ErrInvalid, "the body could not be read to its end")
	}
	return b.Bytes(), nil
}

func reply(c *gin.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Writer.Header().Set("Content-Type", "application/json")
	_, _ = c.Writer.Write(append(b, '\n')) // who does not read the reply is gone
	return nil
}
