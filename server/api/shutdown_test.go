package api

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/cairnhq/cairn/server"
)

// TestShutdownEndsStreams runs the real server on a real listener: streams get
// the event reconnect and Shutdown returns at once although an answer is running.
func TestShutdownEndsStreams(t *testing.T) {
	w := newWorld(t)
	srv, err := server.New(server.Config{
		Auth: w.api.Auth, Routes: w.api.Routes(), Log: w.api.Log, Ready: func(context.Context) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	w.http.URL = "http://" + l.Addr().String()

	s, _ := w.asker.Start(t.Context(), ask(w.ann))
	var open []*http.Response
	for range 10 {
		res := w.open(t.Context(), w.ann, "GET", "/messages/"+s.Message+"/stream", "", "")
		if first := events(t, res, 1); first[0].Type != "start" {
			t.Fatalf("%+v", first)
		}
		open = append(open, res)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	for i, res := range open {
		if rest := events(t, res, 0); len(rest) != 1 || rest[0].Type != "reconnect" {
			t.Errorf("reader %d: %+v", i, rest)
		}
	}
}
