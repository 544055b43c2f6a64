package oidctest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// asIssuers makes a program that calls ServeIfChild the process of the issuers. Its
// value is the word with which it is told what to do.
const asIssuers = "CAIRN_TEST_ISSUERS"

// wordOfChild returns the word, and whether this is the process of the issuers.
func wordOfChild() (word string, child bool) {
	return os.LookupEnv(asIssuers)
}

// process is the process of the issuers as its parent sees it.
type process struct {
	control, word string
	life          io.Closer // it ends when this is closed, or collected
}

// running is started by the first issuer, and ends with this process: then its
// standard input does.
var running = sync.OnceValues(startProcess)

func startProcess() (process, error) {
	if _, child := wordOfChild(); child {
		return process{}, errors.New("the process of the issuers has run tests: its main function does not call ServeIfChild")
	}
	self, err := os.Executable()
	if err != nil {
		return process{}, err
	}
	p := process{word: rand.Text()}
	cmd := exec.CommandContext(context.Background(), self)
	cmd.Env = append(os.Environ(), asIssuers+"="+p.word)
	cmd.Stderr = os.Stderr
	if p.life, err = cmd.StdinPipe(); err != nil {
		return process{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return process{}, err
	}
	if err := cmd.Start(); err != nil {
		return process{}, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	p.control = strings.TrimSpace(line)
	return p, err
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// tell tells the process something about the issuer, and reads what it says to that.
func (i *Issuer) tell(method, path string, what, reply any) {
	i.t.Helper()
	if err := tell(method, path, what, reply); err != nil {
		i.t.Fatalf("the process of the issuers: %v", err)
	}
}

func tell(method, path string, what, reply any) error {
	p, err := running()
	if err != nil {
		return err
	}
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.Background(), method, p.control+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.word)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s: %s %s", method, path, res.Status, got)
	case reply == nil:
		return nil
	}
	return json.Unmarshal(got, reply)
}

// ServeIfChild is the process of the issuers, if this is it: then it does not return.
// The main function of tests with issuers calls it first.
func ServeIfChild() {
	word, child := wordOfChild()
	if !child {
		return
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "issuers:", err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, "http://"+l.Addr().String())
	go func() { _ = http.Serve(l, newIssuers(word)) }() //nolint:gosec // G114: for tests, on this machine
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// issuers are those of a process.
type issuers struct {
	mu  sync.Mutex
	all map[string]*issuer
}

// newIssuers returns what answers those who know the word.
func newIssuers(word string) http.Handler {
	s := &issuers{all: map[string]*issuer{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /issuers", s.create)
	mux.HandleFunc("PUT /issuers/{id}", s.of((*issuer).set))
	mux.HandleFunc("GET /issuers/{id}", s.of((*issuer).tellSeen))
	mux.HandleFunc("DELETE /issuers/{id}", s.of((*issuer).end))
	mux.HandleFunc("POST /issuers/{id}/access", s.of((*issuer).makeAccess))
	mux.HandleFunc("POST /issuers/{id}/rsa", s.of(func(i *issuer, w http.ResponseWriter, _ *http.Request) { i.use(w, makeRSAKey) }))
	mux.HandleFunc("POST /issuers/{id}/ec", s.of(func(i *issuer, w http.ResponseWriter, _ *http.Request) { i.use(w, makeECKey) }))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+word {
			http.Error(w, "not for you", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *issuers) create(w http.ResponseWriter, r *http.Request) {
	i, err := newIssuer()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&i.settings); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := rand.Text()
	s.mu.Lock()
	s.all[id] = i
	s.mu.Unlock()
	sendJSON(w, http.StatusOK, map[string]string{"ID": id, "URL": i.url})
}

// of answers a request about an issuer.
func (s *issuers) of(answer func(*issuer, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		i := s.all[r.PathValue("id")]
		s.mu.Unlock()
		if i == nil {
			http.NotFound(w, r)
			return
		}
		answer(i, w, r)
	}
}

func (i *issuer) set(w http.ResponseWriter, r *http.Request) {
	var told settings
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.settings = told
}

func (i *issuer) tellSeen(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	sendJSON(w, http.StatusOK, seen{i.problems, i.asked})
}

func (i *issuer) end(http.ResponseWriter, *http.Request) { i.server.Close() }

// use replaces all keys by a new one.
func (i *issuer) use(w http.ResponseWriter, make func() (key, error)) {
	k, err := make()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []key{k}
}
