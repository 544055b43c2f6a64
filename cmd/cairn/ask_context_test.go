package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAskWithAText(t *testing.T) {
	s := newShell(t)
	s.answers(answerSuccess)
	s.stdin = "panic: nil\x00 map\n\xff\n"
	s.run("ask", "Why?")
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"panic: nil map\n�","stream":true}`)
	if err := os.WriteFile("build.log", []byte("error 7"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run("ask", "Why?", "--context", "build.log", "--json")
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"error 7","stream":true}`)
	s.run("ask", "Why?", "--context", "-")
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"panic: nil map\n�","stream":true}`)
	s.expect(exitUsage, "", "give --context a file", "ask", "-", "--context", "-")
	s.expect(exitFailed, "", "nowhere", "ask", "Why?", "--context", "nowhere")

	s.stdin = strings.Repeat("x", 100_000) + strings.Repeat("ü", maxContext-1) + "!"
	_, _, stderr := s.run("ask", "Why?")
	if !strings.Contains(stderr, "its last 16000 characters go with the question") {
		t.Errorf("standard error %q", stderr)
	}
	s.asked(`POST /api/v1/ask {"question":"Why?","context":"` + strings.Repeat("ü", maxContext-1) + `!","stream":true}`)
}

// A pipe that nobody writes to does not hold the question up, and what is no pipe and no
// file is not read.
func TestAskWithAnIdlePipe(t *testing.T) {
	s := newShell(t)
	s.answers(answerSuccess)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if code := run(ctx, []string{"ask", "Why?"}, read, &out, &errs); code != exitDone || !strings.Contains(errs.String(), "Nothing came from standard input") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
	s.asked(`POST /api/v1/ask {"question":"Why?","stream":true}`)
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if givesText(null) || givesText(nil) || !givesText(read) {
		t.Error("what is read is wrong")
	}
}
