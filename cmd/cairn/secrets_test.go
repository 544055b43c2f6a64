package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cairnhq/cairn/connectors/connectortest"
)

// vault is a server with a source of every kind, whose secret settings are canaries, and
// all that was heard from it.
type vault struct {
	*aviary
	sites     map[string]*fronted // by the names of sources
	own       map[string]map[string]string
	misplaced map[string]string // secrets that were written where none belong

	mu    sync.Mutex
	heard map[string]*strings.Builder // what was said, by who said it
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{
		aviary: newAviary(t, "CAIRN_ALLOWED_NETWORKS="+connectortest.Fine+"/32"), sites: map[string]*fronted{},
		own: map[string]map[string]string{}, misplaced: map[string]string{}, heard: map[string]*strings.Builder{},
	}
	sites := frontedSites()
	// Each kind once, with all sorts of credentials. Apps of Atlassian ask hosts of the network:
	// the tests of connectors/internal/remote look for the secrets of OAuth.
	for _, name := range []string{"confluence cloud", "git", "github app", "jira datacenter", "slack", "web"} {
		f := sites[name](t)
		name = strings.ReplaceAll(name, " ", "-")
		v.sites[name], v.own[name] = f, map[string]string{}
		f.real = map[string]string{}
		for setting, known := range f.secrets() {
			if strings.Contains(known, "PRIVATE KEY") { // it is of use as it is
				v.own[name][setting], v.words[name+" "+setting] = known, strings.Split(known, "\n")[2]
				continue
			}
			word := v.words.word(name + " " + setting)
			v.own[name][setting], f.real[word] = word, known
		}
	}
	for place, word := range maps.Clone(v.words) {
		v.words[place+" in base64"] = strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(word)), "=")
		kind, _, _ := strings.Cut(place, "-")
		kind, _, _ = strings.Cut(kind, " ")
		if user := map[string]string{"confluence": "bot@example.com", "git": "git", "web": "cairn"}[kind]; user != "" { // basic authentication
			v.words[place+" with its user"] = strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(user+":"+word)), "=")
		}
	}
	return v
}

// hear keeps what somebody said.
func (v *vault) hear(who string, said ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.heard[who] == nil {
		v.heard[who] = &strings.Builder{}
	}
	for _, s := range said {
		v.heard[who].WriteString(s + "\n")
	}
}

// ask sends a request as the administrator, keeps what is replied, and returns it.
func (v *vault) ask(method, path string, body any) (status int, reply string) {
	v.t.Helper()
	token, err := os.ReadFile(filepath.Join(v.data, "local.token"))
	if err != nil {
		v.t.Fatal(err)
	}
	b, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(v.t.Context(), method, "http://"+v.addr+path, bytes.NewReader(b))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Content-Type", "application/json")
	res, err := browser.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	v.hear("the reply to "+method+" "+path, string(text), fmt.Sprint(res.Header))
	return res.StatusCode, string(text)
}

// all returns the settings of a source with the secrets among them.
func (v *vault) all(name string) map[string]string {
	settings := maps.Clone(v.sites[name].settings)
	maps.Copy(settings, v.own[name])
	return settings
}

// tryAll tests and synchronises every source at once, and waits for the ends. It returns
// the states of the runs.
func (v *vault) tryAll(what string) map[string]int {
	v.t.Helper()
	begin := time.Now()
	defer func() { v.t.Logf("%s: %.1f s", what, time.Since(begin).Seconds()) }()
	var all sync.WaitGroup
	for name := range v.sites {
		all.Go(func() { v.ask("POST", "/api/v1/sources/"+name+"/test", nil) })
	}
	all.Wait() // the site of web takes one request at a time
	for name := range v.sites {
		if status, said := v.ask("POST", "/api/v1/sources/"+name+"/sync", map[string]any{"full": true}); status >= 300 {
			v.t.Errorf("%s: %s cannot be synchronised: %d %s", what, name, status, said)
		}
	}
	states := map[string]int{}
	for name := range v.sites {
		for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
			var list struct{ Runs []runReply }
			_, reply := v.ask("GET", "/api/v1/sources/"+name+"/runs", nil)
			_ = json.Unmarshal([]byte(reply), &list)
			if len(list.Runs) > 0 && list.Runs[0].final() {
				states[list.Runs[0].State]++
				if strings.HasPrefix(what, "at first") && list.Runs[0].State != "succeeded" {
					v.t.Logf("%s: %s", name, reply)
				}
				break
			}
			if time.Now().After(deadline) {
				v.t.Fatalf("%s: the run of %s does not end: %s", what, name, reply)
			}
		}
		for _, path := range []string{"", "/errors"} {
			v.ask("GET", "/api/v1/sources/"+name+path, nil)
		}
	}
	return states
}

// betray lets all sites answer in a way, with the secrets of the source in it.
func (v *vault) betray(change func(f *front, secrets string, n int, r *http.Request, a *passed)) {
	for name, f := range v.sites {
		secrets, n := strings.Join(slices.Collect(maps.Values(v.own[name])), " "), 0
		secrets = strings.ReplaceAll(secrets, "\n", " ")
		var mu sync.Mutex
		f.Change(func(_ string, r *http.Request, a *passed) {
			mu.Lock()
			n++
			n := n
			mu.Unlock()
			if name == "web" && a.status == http.StatusOK && strings.HasPrefix(r.URL.Path, "/docs/") {
				change(f.front, secrets+" "+r.Header.Get("Authorization"), n, r, a)
				if a.status == http.StatusOK { // that is a page, which is kept as it is
					a.status = http.StatusTeapot
				}
				return
			}
			change(f.front, secrets+" "+r.Header.Get("Authorization"), n, r, a)
		})
	}
}

// failWith is an answer of a status that has the secrets in its body and headers.
func failWith(status int) func(f *front, secrets string, n int, r *http.Request, a *passed) {
	return func(_ *front, secrets string, _ int, _ *http.Request, a *passed) {
		a.status, a.header = status, http.Header{
			"Content-Type": {"application/json"}, "X-Echo": {secrets}, "Www-Authenticate": {`Basic realm="` + secrets + `"`},
		}
		if status == 500 { // else it is waited for longer
			a.header.Set("Retry-After", "1")
		}
		body, _ := json.Marshal(map[string]any{"message": "no: " + secrets, "error": secrets, "errorMessages": []string{secrets}, "ok": false, "errors": []any{map[string]string{"message": secrets, "type": "FORBIDDEN"}}})
		a.body = body
	}
}

// failAndFail is an answer of 500 to what is asked first: each request is sent six times, with a
// second between them. After some of those it is of 403, unless CAIRN_LONG_TESTS is set.
func failAndFail(f *front, secrets string, n int, r *http.Request, a *passed) {
	status := 500
	if n > 12 && os.Getenv("CAIRN_LONG_TESTS") == "" {
		status = 403
	}
	failWith(status)(f, secrets, n, r, a)
}

// watchProcesses keeps what the processes below the server show of themselves until the
// returned function is called, which returns how many programs of git it saw.
func (v *vault) watchProcesses() (seen func() int) {
	ctx, cancel := context.WithCancel(v.t.Context())
	done, git := make(chan bool), map[string]bool{}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			processes, _ := filepath.Glob("/proc/[0-9]*")
			for _, p := range processes {
				environ, _ := os.ReadFile(p + "/environ")
				name, _ := os.ReadFile(p + "/comm")
				isGit := bytes.HasPrefix(name, []byte("git"))
				if !isGit && !bytes.Contains(environ, []byte(v.data)) {
					continue // somebody else's
				}
				arguments, _ := os.ReadFile(p + "/cmdline")
				v.hear("a process", string(arguments), string(environ))
				if isGit {
					git[p] = true
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() int {
		cancel()
		<-done
		return len(git)
	}
}

// shell runs the command line and keeps what it prints.
func (v *vault) shell(stdin string, args ...string) {
	v.t.Helper()
	cmd := exec.CommandContext(v.t.Context(), theProgram(v.t), args...)
	cmd.Env = append(os.Environ(), asCairn+"=1", "CAIRN_URL=http://"+v.addr, "CAIRN_DATA_DIR="+v.data, "CAIRN_TOKEN=")
	cmd.Stdin = strings.NewReader(stdin)
	out, _ := cmd.CombinedOutput()
	if len(out) == 0 {
		v.t.Errorf("cairn %s says nothing", strings.Join(args[:2], " "))
	}
	v.hear("cairn "+strings.Join(args[:2], " "), string(out))
}

// TestA12_44_SecretsOfSourcesAreNowhere has canaries as the secret settings of every kind of
// source and lets everything go well, and wrong: sites that answer with the secrets in bodies,
// headers and addresses, certificates, wrong settings, another key. Then it looks for them
// in what the server replied and logged, in tables and files, PostgreSQL's log and journal
// among them, in what the command line printed, and in arguments and environments.
func TestA12_44_SecretsOfSourcesAreNowhere(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts a server")
	}
	begin := time.Now()
	v := newVault(t)
	seen := v.watchProcesses()
	for name, f := range v.sites {
		if status, said := v.ask("POST", "/api/v1/sources", map[string]any{"name": name, "kind": f.kind, "settings": v.all(name)}); status >= 300 {
			t.Fatalf("%s: %d %s", name, status, said)
		}
	}
	if states := v.tryAll("at first"); states["succeeded"] != len(v.sites) {
		t.Errorf("at first, runs end so: %v", states)
	}
	if n := seen(); n == 0 {
		t.Error("no program of git was seen")
	}
	asked := v.askByTLS()
	for _, step := range []func(){v.provoke, v.misplace, asked, v.useCommands, v.loseKey} {
		step()
		t.Logf("%.0f s after the start", time.Since(begin).Seconds())
	}
	for _, path := range []string{"/api/v1/sources", "/api/v1/audit", "/api/v1/audit/export", "/metrics", "/api/v1/openapi.yaml", "/openapi.yaml", "/readyz"} {
		v.ask("GET", path, nil)
	}
	v.search()
}

// provoke lets sites fail in each way.
func (v *vault) provoke() {
	ways := map[string]func(f *front, secrets string, n int, r *http.Request, a *passed){
		"401": failWith(401), "403": failWith(403), "404": failWith(404), "500, then 403": failAndFail,
		"200 with an error": failWith(200),
		"every second one refused": func(f *front, secrets string, n int, r *http.Request, a *passed) {
			if n%2 == 0 {
				failWith(403)(f, secrets, n, r, a)
			}
		},
		"no JSON": func(_ *front, secrets string, _ int, _ *http.Request, a *passed) {
			a.body = []byte("<html>" + secrets)
		},
		"a redirect to itself": func(f *front, secrets string, _ int, r *http.Request, a *passed) {
			a.redirect(r, 302, f.URL+"/"+strings.ReplaceAll(secrets, " ", "/")+"?token="+strings.ReplaceAll(secrets, " ", "&t="))
		},
		"a redirect to where nothing may be asked": func(_ *front, secrets string, _ int, _ *http.Request, a *passed) {
			a.status, a.body, a.header = 302, nil, http.Header{"Location": {"http://127.0.0.1:1/" + strings.ReplaceAll(secrets, " ", "/") + "?token=" + strings.ReplaceAll(secrets, " ", "&t=")}}
		},
	}
	for what, change := range ways {
		v.betray(change)
		if states := v.tryAll(what); states["succeeded"] == len(v.sites) {
			v.t.Errorf("%s: nothing fails", what)
		}
	}
	for _, f := range v.sites {
		f.Change(nil)
	}
}

// askByTLS adds sources that ask by TLS where there is none, and tests them, which takes half a
// minute. The returned function waits for that.
func (v *vault) askByTLS() (wait func()) {
	var all sync.WaitGroup
	for name, f := range v.sites {
		settings := v.all(name)
		for n, value := range settings {
			settings[n] = strings.ReplaceAll(value, "http://", "https://")
		}
		if status, said := v.ask("POST", "/api/v1/sources", map[string]any{"name": name + "-tls", "kind": f.kind, "settings": settings}); status >= 300 {
			v.t.Errorf("%s: %d %s", name, status, said)
		}
		all.Go(func() {
			if status, said := v.ask("POST", "/api/v1/sources/"+name+"-tls/test", nil); status != http.StatusOK || strings.Contains(said, `"ok":true`) {
				v.t.Errorf("without TLS, the test of %s says: %d %s", name, status, said)
			}
		})
	}
	return all.Wait
}

// misplace writes secrets where none belong, which no log may keep. What is replied at once
// is for who sent them.
func (v *vault) misplace() {
	for name, f := range v.sites {
		add := func(settings map[string]string) {
			status, _ := v.ask("POST", "/api/v1/sources", map[string]any{"name": name + "-wrong", "kind": f.kind, "settings": settings})
			v.mu.Lock()
			delete(v.heard, "the reply to POST /api/v1/sources")
			v.mu.Unlock()
			if status < 300 { // it passes for an ordinary setting
				v.ask("DELETE", "/api/v1/sources/"+name+"-wrong", nil)
			}
		}
		misplaced := func(where string) string {
			v.misplaced[name+" "+where] = v.word()
			return v.misplaced[name+" "+where]
		}
		forms := []string{"%s", "https://cairn:%s@" + connectortest.Fine + "/x", "/%s=["}
		for n, other := range kinds()[f.kind].Settings {
			if other.Secret {
				continue
			}
			form := forms[n%len(forms)]
			if other.Name == "url" {
				form = forms[1]
			}
			settings := v.all(name)
			settings[other.Name] = fmt.Sprintf(form, misplaced(other.Name))
			add(settings)
		}
		settings := v.all(name)
		settings["tokn"], settings[misplaced("name of a setting")] = misplaced("unknown setting"), "x"
		add(settings)
	}
}

// word returns a canary that is not among those of sources.
func (v *vault) word() string { return canaries{}.word("") }

// useCommands says with the command line what was said with the API.
func (v *vault) useCommands() {
	for name, f := range v.sites {
		args := []string{"source", "add", f.kind, "--name", name + "-2"}
		for setting, value := range f.settings {
			args = append(args, "--set", setting+"="+value)
		}
		for setting, secret := range v.own[name] {
			file := filepath.Join(v.t.TempDir(), setting)
			if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
				v.t.Fatal(err)
			}
			args = append(args, "--secret", setting+"="+file)
			v.shell(secret, "source", "set", name, "--secret", setting+"=-")
		}
		v.shell("", args...)
		v.shell("", "source", "test", name)
		v.shell("", "source", "show", name)
	}
	v.shell("", "source", "list", "--json")
	v.shell("", "secret", "rotate")
	v.shell("", "doctor", "--json")
}

// loseKey takes the key away from the server, and gives it another.
func (v *vault) loseKey() {
	v.t.Helper()
	path := filepath.Join(v.data, "secret.key")
	kept, err := os.ReadFile(path)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, text := range []string{"", "no key", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)) + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			v.t.Fatal(err)
		}
		if states := v.tryAll("without the key"); states["succeeded"] > 0 {
			v.t.Errorf("without the key, runs end so: %v", states)
		}
		v.shell("", "secret", "rotate")
	}
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		v.t.Fatal(err)
	}
	if states := v.tryAll("with the key again"); states["succeeded"] != len(v.sites) {
		v.t.Errorf("with the key again, runs end so: %v", states)
	}
}

// search looks for the secrets everywhere.
func (v *vault) search() {
	v.t.Helper()
	secrets := v.words
	v.words = maps.Clone(secrets)
	maps.Copy(v.words, v.misplaced)
	for place, tables := range v.inTables() {
		v.t.Errorf("tables hold %s: %v", place, tables)
	}
	everything := v.words
	v.words = secrets
	files, journal := v.inFiles()
	for place, names := range files {
		v.t.Errorf("files hold %s: %v", place, names)
	}
	for place, names := range journal {
		v.t.Errorf("PostgreSQL's journal holds %s: %v", place, names)
	}
	v.stop()
	v.hear("the server's log", v.log.String())
	for who, text := range v.heard {
		for place, word := range everything {
			if at := strings.Index(text.String(), word); at >= 0 {
				said := text.String()
				v.t.Errorf("%s tells %s: …%s…", who, place, said[max(0, at-200):min(len(said), at+100)])
			}
		}
	}
	if !strings.Contains(v.log.String(), "sync failed") {
		v.t.Error("the server's log tells of no failure, so that this test says nothing of it")
	}
}
