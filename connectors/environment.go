package connectors

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/cairnhq/cairn"
)

// Environment is what the operator of a server allows connectors to do, and what the
// server gives them to do it with. The zero Environment reads any folder and reaches
// nothing.
type Environment struct {
	// FilesRoots are the folders that may be read, absolute and clean. Nil
	// means any folder (local mode); empty but not nil means none.
	FilesRoots []string
	// ForbiddenRoots are folders that may never be read: Cairn's own data.
	ForbiddenRoots []string

	// Network reaches other machines; nil reaches none.
	Network Network
	// Limiter keeps all replicas to one pace; nil: this connector alone is counted.
	Limiter Limiter
	// Version is that of Cairn, for the User-Agent.
	Version string
	// Timeout is how long a source may be silent before a request counts as lost;
	// 0: 30 s.
	Timeout time.Duration
	// Now and Sleep are the clock; nil: the machine's. Sleep returns early, with the
	// context's cause, when the context ends.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error

	// The rest belongs to one source. Check does not have it.

	// Source is the source that is opened.
	Source cairn.SourceID
	// Secrets are its secret settings.
	Secrets Secrets
	// Warned takes what Warn tells; nil: nobody listens.
	Warned func(Warning)
	// WorkDir is a folder of its own, such as for clones, that the connector makes when
	// it needs it. It may be gone the next time, and another replica has another one.
	WorkDir string
}

// Network reaches other machines as far as the operator allows: public addresses and
// CAIRN_ALLOWED_NETWORKS. What may be reached is checked when a connection is made,
// after names were resolved. It may be used by several goroutines at once.
type Network interface {
	// RoundTrip sends one request. It follows no redirect and bounds neither time nor
	// size: connectors go through connectors/internal/remote, which does.
	http.RoundTripper
	// Lookup returns the addresses of a host, or an ErrDenied when one of them may not
	// be reached: for programs that connect by themselves, which are to be told the
	// address (as git is by http.curloptResolve) and never the name alone.
	Lookup(ctx context.Context, host string) ([]netip.Addr, error)
}

// Rate is how many requests may be sent.
type Rate struct {
	Every time.Duration // one request after the other, on average
	Burst int           // so many at once after a pause; at least 1
}

// Limiter counts requests by account, over all replicas: what sources allow is counted
// by account, too. It may be used by several goroutines at once.
type Limiter interface {
	// Reserve takes one request out of what an account may send at a rate, and returns
	// how long to wait before it is sent.
	Reserve(ctx context.Context, account string, r Rate) (time.Duration, error)
	// Hold keeps everybody who uses the account from sending for a time: the source
	// has asked for it.
	Hold(ctx context.Context, account string, d time.Duration) error
}

// Secrets are the secret settings of one source. They may be used by several
// goroutines at once.
type Secrets interface {
	// Secret returns the secret setting called name, as it is now; the zero Secret when
	// it is not set. An error says that it cannot be opened, and what to do.
	Secret(ctx context.Context, name string) (cairn.Secret, error)
	// Replace stores a secret that the source has issued in the place of the old one,
	// or returns an ErrConflict when another is stored by now: read that one instead.
	Replace(ctx context.Context, name string, old, issued cairn.Secret) error
}
