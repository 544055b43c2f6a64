// Package load drives a server from outside: it runs bin/cairn as a process of
// its own and sends it requests at a given rate.
package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cairnhq/cairn/client"
)

// Server is a running `cairn serve`.
type Server struct {
	URL   string
	Admin *client.Client // as the administrator of local mode
	Ready time.Duration  // from the start of the process to /readyz

	token  string
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended,
	err    error         // for this reason,
	output *bytes.Buffer // having written this
	http   *http.Client
}

// Start runs the program on a data directory and waits until it is ready.
func Start(ctx context.Context, program, dataDir string) (*Server, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + addr, ended: make(chan struct{}), output: &bytes.Buffer{}, http: &http.Client{
		Timeout: 5 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 1000},
	}}
	s.cmd = exec.Command(program, "serve") // Stop ends it, so that its database stops in order
	s.cmd.Env = append(os.Environ(), "CAIRN_DATA_DIR="+dataDir, "CAIRN_ADDR="+addr, "CAIRN_DATABASE_URL=", "CAIRN_SAMPLE=off")
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (make build makes it)", err)
	}
	go func() {
		defer close(s.ended)
		s.err = s.cmd.Wait()
	}()
	if err := s.awaitReady(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	s.Ready = time.Since(began)
	token, err := os.ReadFile(filepath.Join(dataDir, "local.token"))
	if err == nil {
		s.token = strings.TrimSpace(string(token))
		s.Admin, err = client.New(client.Config{URL: s.URL, Token: s.token})
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *Server) awaitReady(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case <-s.ended:
			return fmt.Errorf("cairn serve ended: %w\n%s", s.err, s.output)
		case <-time.After(20 * time.Millisecond):
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/readyz", nil)
		if err != nil {
			return err
		}
		res, err := s.http.Do(req)
		if err != nil {
			continue // it does not listen yet
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
	return ctx.Err()
}

// Stop ends the process and waits for it.
func (s *Server) Stop() {
	s.http.CloseIdleConnections()
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // an error means that it has ended
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
}

// Memory returns the resident memory of the process, now and at most, in
// megabytes; 0 where the system does not say.
func (s *Server) Memory() (now, most float64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			now = kb / 1024
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kb); err == nil {
			most = kb / 1024
		}
	}
	return now, most
}

// Token makes a token for the account with the address.
func (s *Server) Token(ctx context.Context, email string) (string, error) {
	t, err := s.Admin.AddToken(ctx, client.TokenRequest{User: email, Name: "bench", TTL: "24h"})
	return t.Secret, err
}

// Post sends a request and returns the reply, of which an error other than 200
// is told. An empty token is that of the administrator.
func (s *Server) Post(ctx context.Context, token, path, mediaType string, body []byte) ([]byte, error) {
	status, reply, err := s.Send(ctx, token, http.MethodPost, path, mediaType, body)
	if err == nil && status != http.StatusOK {
		err = &StatusError{status, string(reply)}
	}
	return reply, err
}

// Send sends a request and returns the status and the body of the reply, whatever
// they are. An empty token is that of the administrator.
func (s *Server) Send(ctx context.Context, token, method, path, mediaType string, body []byte) (status int, reply []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if token == "" {
		token = s.token
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", mediaType)
	res, err := s.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	reply, err = io.ReadAll(res.Body)
	return res.StatusCode, reply, err
}

// StatusError is a reply that is no success.
type StatusError struct {
	Code int
	Body string
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %.300s", e.Code, e.Body) }

// Search sends POST /api/v1/search and returns the ids of the documents found.
func (s *Server) Search(ctx context.Context, token, query string, limit int) ([]string, error) {
	body, err := json.Marshal(map[string]any{"query": query, "limit": limit})
	if err != nil {
		return nil, err
	}
	reply, err := s.Post(ctx, token, "/api/v1/search", "application/json", body)
	if err != nil {
		return nil, err
	}
	var out struct {
		Results []struct {
			ID string `json:"document_id"`
		} `json:"results"`
	}
	if err := json.Unmarshal(reply, &out); err != nil {
		return nil, err
	}
	ids := make([]string, len(out.Results))
	for i, r := range out.Results {
		ids[i] = r.ID
	}
	return ids, nil
}
