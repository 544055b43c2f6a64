package main

import "testing"

func TestEvalRefusesUnknownModes(t *testing.T) {
	s := newShell(t)
	s.expect(exitUsage, "", "lexical, dense, hybrid", "eval", "run", "--dir", t.TempDir(), "--mode", "magic")
}
