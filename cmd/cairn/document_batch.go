package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"

	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// putBatch carries out the lines of a file and prints what became of them.
func (e *environment) putBatch(ctx context.Context, c *client.Client, source, file string) error {
	var all []json.RawMessage
	var numbers []int // of the lines that were sent
	stored, removed, failed := 0, 0, 0
	for r, err := range c.PutLines(ctx, source, e.lines(file, &numbers)) {
		if err != nil {
			if n := stored + removed + failed; n > 0 {
				e.note("%d lines were sent before: %d stored, %d removed, %d failed", n, stored, removed, failed)
			}
			return notPushed(err, source)
		}
		switch {
		case r.Err != nil:
			e.note("%s", terminal.Line(failureOf(r, numbers[stored+removed+failed])))
			failed++
		case r.DocumentID != "":
			stored++
		default:
			removed++
		}
		if e.json {
			all = append(all, r.JSON)
		}
	}
	if err := e.printBatch(all, stored, removed, failed); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d lines failed", failed, stored+removed+failed)
	}
	return nil
}

// failureOf says what is wrong with a line of the file. The server counts the
// lines of its request, which is only a part of the file.
func failureOf(r client.BatchResult, number int) string {
	if r.ID != "" {
		return r.ID + ": " + r.Err.Error()
	}
	return fmt.Sprintf("line %d: %s", number, requestLine.ReplaceAllString(r.Err.Error(), ""))
}

var requestLine = regexp.MustCompile(`^line \d+: `)

func (e *environment) printBatch(all []json.RawMessage, stored, removed, failed int) error {
	if !e.json {
		e.screen().Printf("%d stored, %d removed, %d failed.\n", stored, removed, failed)
		return nil
	}
	if all == nil {
		all = []json.RawMessage{}
	}
	b, err := json.Marshal(map[string]any{"results": all, "stored": stored, "removed": removed, "failed": failed})
	if err != nil {
		return fmt.Errorf("print the results: %w", err)
	}
	return e.printReply(b)
}

// lines yields the lines of a file that are not blank as they are read, and
// appends their numbers to numbers; "-" is standard input.
func (e *environment) lines(name string, numbers *[]int) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		r := e.stdin
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				yield(nil, err)
				return
			}
			defer f.Close()
			r = f
		}
		in := bufio.NewReader(r)
		for number := 1; ; number++ {
			line, err := in.ReadBytes('\n')
			if len(bytes.TrimSpace(line)) > 0 {
				*numbers = append(*numbers, number)
				if !yield(line, nil) {
					return
				}
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("read %s: %w", name, err))
				return
			}
		}
	}
}
