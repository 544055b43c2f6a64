package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cairnhq/cairn"
)

// slowlyRead are the routes that show what a document says, by requests with large replies.
// $message and $conversation are of an answer that was made from it.
var slowlyRead = map[string][]string{
	"GET /api/v1/conversations":        {`/api/v1/conversations?limit=100`},
	"GET /api/v1/conversations/{id}":   {`/api/v1/conversations/$conversation`},
	"GET /api/v1/documents/{id}":       {`/api/v1/documents/$document`, `/api/v1/documents/$document?version=$version`},
	"GET /api/v1/messages/{id}":        {`/api/v1/messages/$message`},
	"GET /api/v1/messages/{id}/stream": {`/api/v1/messages/$message/stream`},
	"GET /api/v1/suggest":              {`/api/v1/suggest?q=$begin&limit=20`},
	"POST /api/v1/ask":                 {`/api/v1/ask {"question":"$long"}`, `/api/v1/ask {"question":"$long","stream":true}`},
	"POST /v1/chat/completions":        {`/v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"What does the blue vault hold?"}]}`, `/v1/chat/completions {"model":"extractive","messages":[{"role":"user","content":"What does the blue vault hold?"}],"stream":true}`},
	"POST /mcp": {
		`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fetch","arguments":{"id":"$document"}}}`,
		`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"repo":"$source","path":"a.go"}}}`,
		`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_code","arguments":{"query":"$word","kind":"literal"}}}`,
		`/mcp {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"query":"$word"}}}`,
	},
	"POST /api/v1/code/search": {`/api/v1/code/search {"query":"$word","limit":100}`},
	"POST /api/v1/search": {`/api/v1/search {"query":"$word","limit":100}`, `/api/v1/search {"query":"$word","limit":100,"mode":"lexical"}`,
		`/api/v1/search {"query":"$word","limit":100,"mode":"dense"}`},
}

// losses are ways in which somebody loses a document who is still let in.
var losses = append([]cause{
	{"the document is erased", false, func(th *things, _ string, _ []string) {
		th.must(th.admin, "DELETE", th.fill("/api/v1/documents/$document"), nil)
	}},
	{"the source is erased", true, func(th *things, _ string, _ []string) {
		th.must(th.admin, "DELETE", th.fill("/api/v1/sources/$source"), nil)
	}},
}, slices.DeleteFunc(slices.Clone(causes), func(c cause) bool {
	return !slices.Contains([]string{"the provider takes the member out", "the ACL of the document", "the ACL of the source"}, c.name)
})...)

// TestA11_13_SlowReadersGetNothingLater lets a person read a document by every route that
// shows it as slowly as she can, and takes it from her in each of the ways that there are.
// Seconds later nothing more comes but what her own machine has taken before.
func TestA11_13_SlowReadersGetNothingLater(t *testing.T) {
	t.Parallel()
	all := openSite(t, false)
	for _, cause := range losses {
		t.Run(cause.name, func(t *testing.T) {
			t.Parallel()
			s := all.with(t)
			th := s.things(s.person(cairn.RoleMember))
			th.library()
			token, secret := s.newToken(th.owner.Account, time.Hour, everyScope...)
			header, shown := bearer(secret), showing
			if cause.session {
				header, shown = s.session(th.owner.Account), forSessions(showing)
			}
			var readers []*slowReader
			for _, operation := range shown {
				if len(slowlyRead[operation]) == 0 {
					t.Errorf("there is no slow reader of %s", operation)
				}
				for _, request := range slowlyRead[operation] {
					method, _, _ := strings.Cut(operation, " ")
					readers = append(readers, th.readSlowly(method, th.fill(request), header))
				}
			}
			var group sync.WaitGroup
			for _, r := range readers {
				group.Go(r.begin)
			}
			group.Wait()
			cause.lose(th, token, header)
			deadline := time.Now().Add(promise + 100*time.Millisecond)
			for _, r := range readers {
				group.Go(func() {
					late, err := r.after(deadline)
					// An answer that had hardly begun may have ended in order before.
					inOrder := late == 0 && bytes.HasSuffix(r.all, []byte(endOfReply))
					if late > ownRoom || !errors.Is(err, syscall.ECONNRESET) && !inOrder {
						t.Errorf("%s: %d bytes after five seconds, then %v; want the connection reset, and no more than such a machine keeps; %d in all, at the end %q",
							r.request, late, err, len(r.all), r.all[max(0, len(r.all)-200):])
					}
				})
			}
			group.Wait()
		})
	}
}

// A reader from whom nothing is taken may be as slow, and gets all.
func TestSlowReadersGetAll(t *testing.T) {
	t.Parallel()
	s := openSite(t, false)
	th := s.things(s.person(cairn.RoleMember))
	th.library()
	var group sync.WaitGroup
	for operation, all := range slowlyRead {
		method, _, _ := strings.Cut(operation, " ")
		r := th.readSlowly(method, th.fill(all[0]), bearer(th.owner.token))
		group.Go(func() {
			r.begin()
			err := errors.Join(r.slowly(time.Now().Add(2*promise)), r.conn.SetReadDeadline(time.Now().Add(time.Minute)))
			for b, n := make([]byte, 4096), 0; err == nil && !bytes.HasSuffix(r.all, []byte(endOfReply)); {
				n, err = r.conn.Read(b)
				r.all = append(r.all, b[:n]...)
			}
			if err != nil {
				t.Errorf("%s: %v, ends with %q", r.request, err, r.all[max(0, len(r.all)-100):])
			}
		})
	}
	group.Wait()
}

// library makes documents with long titles, the document among them, and an answer to a
// long question in each of many conversations.
func (th *things) library() {
	th.t.Helper()
	random := func(n int) string {
		var b strings.Builder
		for b.Len() < n {
			fmt.Fprintf(&b, "w%x ", rand.Uint32())
		}
		return b.String()
	}
	source := th.fill(`$source`)
	var made struct{ ID, Version string }
	for i := range 24 {
		path, title, text := fmt.Sprintf("/api/v1/sources/%s/documents?id=b%d", source, i), th.word[:8]+random(900), ""
		if i == 23 {
			path, title = "/api/v1/sources/"+source+"/documents?id=a.go", th.word+" "+random(900)
			text = "The blue vault holds penguins, says " + random(2000) + ". " + random(20_000) + strings.Repeat(`\n`+th.word+` `+random(300), 100)
		}
		th.must(th.admin, "PUT", path+` {"title":"`+title+`","media_type":"text/plain","text":"The safe opens with `+th.word+`, says `+random(600)+`. `+text+`"}`, &made)
	}
	th.made["document"], th.made["version"], th.made["word"] = made.ID, made.Version, th.word
	th.made["long"] = "What does the safe open with, " + th.word + "? " + random(7000)
	var a struct {
		Message      string `json:"message_id"`
		Conversation string `json:"conversation_id"`
	}
	th.must(th.owner, "POST", th.fill(`/api/v1/ask {"question":"$long"}`), &a)
	th.made["message"], th.made["conversation"] = a.Message, a.Conversation
	// The document counts as evidence of it, and the same answer is in other conversations.
	for _, statement := range []string{
		`INSERT INTO message_evidence SELECT id, $2, $3 FROM messages WHERE id = $1 ON CONFLICT DO NOTHING`,
		`INSERT INTO conversations (id, account_id, title) SELECT c.id || n, account_id, repeat(title, 2) FROM conversations c, generate_series(1, 99) n
		 WHERE c.id = (SELECT conversation_id FROM messages WHERE id = $1) AND $2 || $3 <> ''`,
		`INSERT INTO messages (id, conversation_id, question, state) SELECT m.id || n, m.conversation_id || n, question, state FROM messages m, generate_series(1, 99) n
		 WHERE m.id = $1 AND $2 || $3 <> ''`,
		`INSERT INTO message_evidence SELECT $1 || n, $2, $3 FROM generate_series(1, 99) n`,
	} {
		_, err := th.db.Worker().Exec(th.t.Context(), statement, a.Message, made.ID, made.Version)
		th.check(err)
	}
}

// ownRoom is more than what the machine of a slow reader keeps.
const ownRoom = 4 << 10

const endOfReply = "\r\n0\r\n\r\n" // that is sent in chunks

// slowReader reads the reply to a request.
type slowReader struct {
	*things
	request string
	conn    net.Conn
	all     []byte
}

func (th *things) readSlowly(method, request string, header []string) *slowReader {
	th.t.Helper()
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2304)
		}), err)
	}}
	conn, err := dialer.DialContext(th.t.Context(), "tcp", th.addr)
	th.check(err)
	th.t.Cleanup(func() { _ = conn.Close() })
	req := th.request(th.t.Context(), method, request, header...)
	w := bufio.NewWriter(conn)
	th.check(errors.Join(req.Write(w), w.Flush()))
	return &slowReader{th, request[:min(len(request), 60)], conn, nil}
}

// begin returns when the reply has begun.
func (r *slowReader) begin() {
	_ = r.conn.SetReadDeadline(time.Now().Add(time.Minute))
	head := make([]byte, 512)
	n, err := io.ReadFull(r.conn, head)
	if r.all = head[:n]; err != nil || !bytes.HasPrefix(head, []byte(fmt.Sprintf("HTTP/1.1 %d", http.StatusOK))) {
		r.t.Errorf("%s: %v, %s", r.request, err, r.all)
	}
}

// after reads slowly until a time, then all that comes, and returns how much that was and
// how it ends.
func (r *slowReader) after(deadline time.Time) (late int, err error) {
	if err := r.slowly(deadline); err != nil {
		return 0, err
	}
	_ = r.conn.SetReadDeadline(time.Now().Add(3 * time.Second))
	rest, err := io.ReadAll(r.conn)
	r.all = append(r.all, rest...)
	return len(rest), err
}

// slowly reads next to nothing until a time.
func (r *slowReader) slowly(deadline time.Time) error {
	b := make([]byte, 16)
	for ; time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		_ = r.conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		n, err := r.conn.Read(b)
		if r.all = append(r.all, b[:n]...); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
	return nil
}
