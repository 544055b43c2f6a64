package postgrestest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/modules/postgres"
)

const (
	image         = "pgvector/pgvector:pg17"
	containerName = "cairn-postgrestest"
	// retryAfter is how long a container that could not be started is not
	// tried again: each package would wait for the same failure.
	retryAfter = 10 * time.Minute
)

// engineAnswers tells whether a Docker engine answers within a second.
func engineAnswers(ctx context.Context) bool {
	if failed, err := os.Stat(failureMark()); err == nil && time.Since(failed.ModTime()) < retryAfter {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, host := range engineHosts() {
		if pings(ctx, host) {
			return true
		}
	}
	return false
}

// engineHosts lists where an engine may listen.
func engineHosts() []string {
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		return []string{host}
	}
	hosts := []string{"unix:///var/run/docker.sock"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		hosts = append(hosts, "unix://"+filepath.Join(dir, "docker.sock"))
	}
	return hosts
}

func pings(ctx context.Context, host string) bool {
	u, err := url.Parse(host)
	if err != nil {
		return false
	}
	network, address := "tcp", u.Host
	if u.Scheme == "unix" {
		network, address = "unix", u.Path
	}
	var dialer net.Dialer
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/_ping", nil)
	if err != nil {
		return false
	}
	reply, err := client.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = reply.Body.Close() }()
	return reply.StatusCode == http.StatusOK
}

// openContainer starts the shared container, or finds it running.
func openContainer(ctx context.Context) (*cluster, error) {
	c, err := startContainer(ctx)
	if err != nil {
		if dir, dirErr := cacheDir(); dirErr == nil {
			_ = os.WriteFile(filepath.Join(dir, filepath.Base(failureMark())), []byte(err.Error()), 0o600)
		}
		return nil, fmt.Errorf("container %s: %w", containerName, err)
	}
	return c, nil
}

func startContainer(ctx context.Context) (*cluster, error) {
	// The container is for the next package and the next run too, so it must
	// not be removed when this process ends.
	if err := os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"); err != nil {
		return nil, err
	}
	unlock, err := lockFile(ctx, "container.lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	password, err := containerPassword()
	if err != nil {
		return nil, err
	}
	container, err := postgres.Run(ctx, image,
		postgres.WithUsername("postgres"), postgres.WithPassword(password), postgres.WithDatabase("postgres"),
		testcontainers.WithCmdArgs("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=300",
			"-c", "max_wal_size=256MB"),
		testcontainers.WithTmpfs(map[string]string{"/var/lib/postgresql/data": "rw"}),
		testcontainers.WithLogger(log.New(io.Discard, "", 0)),
		testcontainers.WithReuseByName(fmt.Sprintf("%s-%d", containerName, os.Getuid())),
	)
	if err != nil {
		return nil, err
	}
	admin, err := reachable(ctx, container)
	if err != nil {
		return nil, err
	}
	return openURL(ctx, admin, "file_copy")
}

// reachable waits until the server in the container accepts connections, and
// returns its connection string. The engine's idea of the host is tried first
// and loopback second, which is right when this test runs in a container that
// has an engine of its own.
func reachable(ctx context.Context, container *postgres.PostgresContainer) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	admin, err := container.ConnectionString(ctx, "sslmode=disable", "connect_timeout=2")
	if err != nil {
		return "", err
	}
	u, err := url.Parse(admin)
	if err != nil {
		return "", err
	}
	loopback := *u
	loopback.Host = net.JoinHostPort("127.0.0.1", u.Port())
	for {
		for _, candidate := range []string{admin, loopback.String()} {
			conn, err := pgx.Connect(ctx, candidate)
			if err == nil {
				return candidate, conn.Close(ctx)
			}
			if ctx.Err() != nil {
				return "", fmt.Errorf("no connection: %w", err)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// containerPassword returns the password of the shared container, made once:
// its port may be open to the network.
func containerPassword() (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "container.password")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text = []byte(rand.Text())
		err = os.WriteFile(file, text, 0o600)
	}
	return string(text), err
}

func failureMark() string {
	dir, err := cacheDir()
	if err != nil {
		return os.DevNull
	}
	return filepath.Join(dir, "container.failed")
}
