package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/creack/pty"

	"github.com/cairnhq/cairn/client/clienttest"
)

// hostile are texts that command a terminal, or look other than they are.
var hostile = []string{
	"\x1b[2J\x1b[H", "\x1b[3J", "\x1bc", "\x1b[31mred", "\x1b[?1049h", "\x1b[?25l", "\x1b[5n", "\x1b[6n", "\x1b[21t", "\x1b[c",
	"\x1b]0;title\a", "\x1b]52;c;cm0gLXJm\a", "\x1b]52;c;?\x1b\\", "\x1b]8;;file:///etc/passwd\x1b\\x\x1b]8;;\x1b\\", "\x1b]8;;https://evil.example\ax", "\x1b]1337;File=:AA==\a",
	"\x1b]777;notify;a;b\a", "\x1bP+q544e\x1b\\", "\x1b_Gf=24;AA\x1b\\", "\x1b^x\x1b\\", "\u009b2J", "\u009d52;c;x\u009c", "\u0090q\u009c", "shown\rhidden", "good\b\b\b\bevil",
	"\x00\x07\x0e\x0f\x7f", "\u202egnp.exe", "\u2066a\u2069\u200f", "a\u2028b\u2029c", "\U000E0041\U000E0042", "\x1b[1m\x1b[8mhidden", "\x1b[9999;9999H\x1b[9999A", "\x1b[20;1r", "\x1b(0lqqk",
}

// allowedOnTerminals are the sequences of our own.
var allowedOnTerminals = regexp.MustCompile(`\x1b\[[012]m|\r\x1b\[K|\x1b\]8;;(https?://[!-~]+)?\x1b\\`)

// onTerminal runs a command line at a terminal and returns every byte that comes there.
func (s *shell) onTerminal(args ...string) string {
	s.t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	defer master.Close()
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		s.t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		b, _ := io.ReadAll(master) // ends with an error when nobody has the other end
		read <- string(b)
	}()
	run(s.t.Context(), args, strings.NewReader(s.stdin), slave, slave)
	slave.Close()
	return <-read
}

func checkHarmless(t *testing.T, what, printed string) {
	t.Helper()
	if printed == "" {
		t.Errorf("%s printed nothing", what)
	}
	left := allowedOnTerminals.ReplaceAllString(strings.ReplaceAll(printed, "\r\n", "\n"), "")
	if i := strings.IndexFunc(left, func(r rune) bool {
		return unicode.Is(unicode.Cc, r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
	}); i >= 0 {
		t.Errorf("%s: %+q", what, left[max(0, i-20):min(len(left), i+40)])
	}
}

// TestHostileTexts shows at a terminal what others wrote: titles, texts, addresses,
// errors, names of sources and people.
func TestHostileTexts(t *testing.T) {
	if len(hostile) < 30 {
		t.Fatalf("%d texts", len(hostile))
	}
	s := newShell(t)
	t.Setenv("TERM", "xterm-256color")
	server := http.NewServeMux() // one that keeps to no specification
	served := httptest.NewServer(server)
	defer served.Close()
	t.Setenv("CAIRN_URL", served.URL)
	evil, status := "", http.StatusOK
	reply := func(route, with string) {
		server.HandleFunc(route, func(w http.ResponseWriter, _ *http.Request) {
			if status != http.StatusOK {
				clienttest.Write(w, status, `{"error":{"code":"invalid","message":`+quoted("no "+evil)+`}}`)
				return
			}
			clienttest.Write(w, status, strings.ReplaceAll(with, "EVIL", strings.Trim(quoted(evil), `"`)))
		})
	}
	passage := strings.NewReplacer(`"Travel"`, `"EVIL"`, `"handbook"`, `"EVIL"`, `"url":""`, `"url":"https://a.example/EVIL"`, `# Hotels`, `# EVIL`, `"Hotels"`, `"EVIL"`, `"wiki"`, `"EVIL"`).Replace(thePassage)
	reply("POST /api/v1/search", `{"results":[`+passage+`],"facets":{},"mode":"hybrid","next_cursor":null,"notices":[{"code":"x","message":"EVIL"}],"took_ms":7}`)
	reply("POST /api/v1/code/search", `{"results":[{"document_id":"D1","version":"v1","source":"EVIL","repo":"EVIL","path":"EVIL","commit":"EVIL","lang":"EVIL","start_line":7,"end_line":7,`+
		`"lines":["EVIL"],"matches":[{"line":7,"start":0,"end":1}],"symbol":"EVIL","symbol_kind":"EVIL","url":"https://a.example/EVIL"}],"more":false,"incomplete":false,"took_ms":7}`)
	reply("GET /api/v1/tokens", `{"tokens":[{"id":"T1","account_id":"U1","name":"EVIL","scopes":["EVIL"],"created_at":"2026-10-02T09:30:00Z","expires_at":"2026-11-02T09:30:00Z","last_used_at":null,"revoked_at":null}],"next_cursor":null}`)
	reply("GET /api/v1/documents/{id}", strings.NewReplacer(`"A"`, `"EVIL"`, `"wiki"`, `"EVIL"`, `"url":""`, `"url":"https://a.example/EVIL"`).Replace(theText))
	reply("GET /api/v1/sources", `{"sources":[`+strings.ReplaceAll(theSource, "handbook", "EVIL")+`],"next_cursor":null}`)
	reply("GET /api/v1/sources/{name}/errors", `{"errors":[{"external_id":"EVIL","url":"EVIL","reason":"EVIL","code":"x","attempts":2,"at":"2026-10-02T09:30:00Z"}],"next_cursor":null}`)
	reply("GET /api/v1/users", `{"users":[`+strings.ReplaceAll(theUser, `"Ann"`, `"EVIL"`)+`],"next_cursor":null}`)
	reply("GET /api/v1/groups", `{"groups":[`+strings.ReplaceAll(theGroup, "finance", "EVIL")+`],"next_cursor":null}`)
	reply("POST /api/v1/access/explain", strings.ReplaceAll(theAccess, "ann may", "EVIL"))
	server.HandleFunc("POST /api/v1/ask", func(w http.ResponseWriter, _ *http.Request) {
		if status != http.StatusOK {
			clienttest.Write(w, status, `{"error":{"code":"invalid","message":`+quoted(evil)+`}}`)
			return
		}
		inside := strings.Trim(quoted(evil), `"`)
		cited := strings.NewReplacer("Travel", inside, "handbook", inside, `"url":""`, `"url":"https://a.example/`+inside+`"`).Replace(citation(1, 0, len(evil), ""))
		answer := answerJSON("answered", evil, `{"start":0,"end":`+strconv.Itoa(len(evil))+`,"support":"supported"}`, cited, "", `{"code":"old","message":"`+inside+`"}`)
		stream(w, append(answerEvents[:2:2], event{"delta", delta(evil, 0, len(evil), "supported")}, event{"citation", cited}, event{"done", answer}))
	})
	commands := []string{"search x", "search x --json", "ask x", "ask x --json", "ask x --json --stream", "doc get D1", "source list", "source errors wiki", "user list", "group list", "token list", "access explain --document D1", "code x", "code x --json"}
	for _, evil = range hostile {
		for _, line := range commands {
			checkHarmless(t, line, s.onTerminal(strings.Fields(line)...))
		}
		if printed := s.onTerminal("code", "x"); strings.Count(printed, "\n") != 3 {
			t.Errorf("the line %+q is shown as %+q", evil, printed)
		}
		status = http.StatusBadRequest
		for _, line := range []string{"search x", "code x", "ask x", "source list", "doc get D1"} {
			checkHarmless(t, line+" that fails", s.onTerminal(strings.Fields(line)...))
		}
		status = http.StatusOK
		checkHarmless(t, "arguments", s.onTerminal("search", "x", "--mode", evil)+s.onTerminal("no", evil)+s.onTerminal(evil))
	}
}
