package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/server"
)

// mcpCommand returns `cairn mcp`.
func mcpCommand(e *environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "mcp",
		Short: "Let an editor or assistant on this machine use Cairn (MCP on standard input and output)",
		Long: `Speak the Model Context Protocol on standard input and output, for an editor or assistant
that starts it, and hand every message on to the server with the token of this command line
(cairn login, local mode, or CAIRN_TOKEN). cairn mcp install tells the client of it. A
cairn.yaml is read only when --config names it: clients start this in whatever folder is open.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := &bridge{e: e, running: map[string]context.CancelFunc{}}
			return b.run(cmd.Context(), e.stdin)
		},
	}
	c.AddCommand(mcpInstallCommand(e))
	return c
}

// bridge carries messages between a client and the server.
type bridge struct {
	e *environment

	mu      sync.Mutex
	version string // of the protocol, once it is agreed on
	running map[string]context.CancelFunc
	client  *client.Client
	token   string // that client presents

	out  sync.Mutex     // one message at a time
	work sync.WaitGroup // requests
	told sync.WaitGroup // what gets no answer, and is not waited for at the end
}

// maxMessage is how many bytes a message of the client may have.
const maxMessage = 4 << 20

// message is what a bridge looks at of a message.
type message struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method"`
	Params struct {
		Name string          `json:"name"`
		URI  string          `json:"uri"`
		ID   json.RawMessage `json:"requestId"` // of what is cancelled
		Meta struct {
			Version string `json:"io.modelcontextprotocol/protocolVersion"`
		} `json:"_meta"`
	} `json:"params"`
}

// run hands on the lines of in until it ends and all is answered, or ctx ends.
func (b *bridge) run(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer b.told.Wait()
	defer b.work.Wait()
	defer cancel()
	lines, failed := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, maxMessage)
		for scanner.Scan() {
			select {
			case lines <- bytes.Clone(scanner.Bytes()):
			case <-ctx.Done():
				return
			}
		}
		failed <- scanner.Err()
	}()
	for {
		select {
		case <-ctx.Done():
			return nil // the client has ended it
		case line, open := <-lines:
			if !open {
				b.work.Wait()
				return b.ended(<-failed)
			}
			b.take(ctx, line)
		}
	}
}

func (b *bridge) ended(err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a message has more than %d MiB", maxMessage>>20)
	}
	return err
}

// take begins to hand on a message. The server keeps nothing between messages, so that none
// waits for another.
func (b *bridge) take(ctx context.Context, line []byte) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		b.fail(m.ID, -32700, "the message cannot be read: "+err.Error())
		return
	}
	if m.Method == "notifications/cancelled" {
		b.mu.Lock()
		defer b.mu.Unlock()
		if cancel := b.running[string(m.Params.ID)]; cancel != nil {
			cancel() // which the server sees by the end of the request
		}
		return
	}
	if len(m.ID) == 0 || m.Method == "" {
		b.told.Go(func() { b.handOn(ctx, m, line) })
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	b.mu.Lock()
	b.running[string(m.ID)] = cancel
	b.mu.Unlock()
	b.work.Go(func() {
		defer func() {
			b.mu.Lock()
			delete(b.running, string(m.ID))
			b.mu.Unlock()
			cancel()
		}()
		b.handOn(ctx, m, line)
	})
}

// handOn sends a message to the server and writes what it replies.
func (b *bridge) handOn(ctx context.Context, m message, line []byte) {
	c, why, err := b.connect()
	if err != nil {
		b.fail(m.ID, -32603, err.Error())
		return
	}
	answered := m.ID == nil || m.Method == ""
	for reply, err := range c.MCP(ctx, line, b.headers(m)) {
		switch {
		case ctx.Err() != nil:
			return // nobody waits for it any more
		case err != nil:
			b.fail(m.ID, -32603, advise(err, why).Error())
			return
		}
		if m.Method == "initialize" {
			b.agree(reply)
		}
		answered = answered || isResponse(reply)
		b.write(reply)
	}
	if !answered && ctx.Err() == nil {
		b.fail(m.ID, -32603, "the connection to the server ended before its answer; try again")
	}
}

func isResponse(reply json.RawMessage) bool {
	var m message
	return json.Unmarshal(reply, &m) == nil && m.Method == ""
}

// connect returns a client with the token of now: that of local mode is another after
// each start of the server. The folder in which the client has started the bridge may be
// somebody else's: its cairn.yaml has no say in where the token goes.
func (b *bridge) connect() (*client.Client, string, error) {
	settings, err := server.LoadSettings(cmp.Or(b.e.config, os.DevNull), b.e.flags)
	if err != nil {
		return nil, "", err
	}
	token, why := accessToken(settings)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client == nil || b.token != token {
		c, err := client.New(client.Config{URL: serverURL(settings), Token: token})
		if err != nil {
			return nil, "", err
		}
		b.client, b.token = c, token
	}
	return b.client, why, nil
}

// headers returns those of the protocol that repeat what a message says.
func (b *bridge) headers(m message) map[string]string {
	if v := m.Params.Meta.Version; v != "" { // of 2026 and later
		h := map[string]string{"MCP-Protocol-Version": v}
		if m.Method != "" {
			h["Mcp-Method"] = m.Method
		}
		if name := m.Params.Name + m.Params.URI; name != "" {
			h["Mcp-Name"] = name
		}
		return h
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.version == "" || m.Method == "initialize" {
		return nil
	}
	return map[string]string{"MCP-Protocol-Version": b.version}
}

// agree notes the version of the protocol that the server has chosen.
func (b *bridge) agree(reply json.RawMessage) {
	var r struct {
		Result struct {
			Version string `json:"protocolVersion"`
		} `json:"result"`
	}
	if json.Unmarshal(reply, &r) != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.version = r.Result.Version
}

// fail answers a message by an error; a notification gets none.
func (b *bridge) fail(id json.RawMessage, code int, text string) {
	if id == nil && code != -32700 {
		b.e.note("cairn: %s", text)
		return
	}
	if id == nil {
		id = json.RawMessage("null")
	}
	reply, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": code, "message": text}})
	if err == nil {
		b.write(reply)
	}
}

// write writes a message as one line.
func (b *bridge) write(reply json.RawMessage) {
	var line bytes.Buffer
	if json.Compact(&line, reply) != nil {
		return
	}
	line.WriteByte('\n')
	b.out.Lock()
	defer b.out.Unlock()
	_, _ = b.e.stdout.Write(line.Bytes()) // a client that is gone ends the input, too
}
