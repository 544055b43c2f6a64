package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cairnhq/cairn/retrieval/extract/extracttest"
)

// TestBrokenFiles synchronises a folder of broken files with some good ones:
// each gets its text or a reason, soon, and the server stays small.
func TestBrokenFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a server and writes 300 MB")
	}
	dir := t.TempDir()
	docx := extracttest.DOCX(extracttest.P("", "A paragraph that is cut off."), nil)
	for name, data := range map[string][]byte{
		"good.md":         []byte("# Good\n\nPelicans are fine.\n"),
		"encrypted.pdf":   extracttest.EncryptedPDF(),
		"truncated.docx":  docx[:len(docx)*2/3],
		"zip-bomb.docx":   extracttest.ZipBombDOCX(),
		"entities.docx":   extracttest.EntityBombDOCX(),
		"empty.txt":       nil,
		"really-text.pdf": []byte("This is plain text under a wrong name. Cormorants dive.\n"),
		"nul.txt":         append(bytes.Repeat([]byte("Gannets fly low over the water. "), 50), "\x00\x00\n"...),
		"invalid.txt":     []byte("Caf\xe9 und Stra\xdfe: Austernfischer am Strand.\n"),
		"deep.json":       extracttest.DeepJSON(200_000),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	writeLarge(t, filepath.Join(dir, "large.txt"), 300<<20)
	if err := os.Symlink("cycle.md", filepath.Join(dir, "cycle.md")); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{ // file → code of the reason
		"encrypted.pdf": "encrypted", "truncated.docx": "corrupt", "zip-bomb.docx": "too_large", "entities.docx": "corrupt",
		"empty.txt": "empty", "deep.json": "corrupt", "large.txt": "too_large", "cycle.md": "",
	}
	if os.Geteuid() != 0 { // root may read everything
		if err := os.WriteFile(filepath.Join(dir, "shut.md"), []byte("# Shut\n\nNobody reads this."), 0o000); err != nil {
			t.Fatal(err)
		}
		want["shut.md"] = ""
	}

	p := newProgram(t)
	p.start()
	began := time.Now()
	p.addAndSync(dir)
	run := p.waitForRuns()
	t.Logf("%s after %s: %+v; the server used %d MB at most", run.State, time.Since(began).Round(time.Millisecond), run, peakMemory(t, p)>>20)
	if run.State != "partial" || run.Failed != len(want) || time.Since(began) > time.Minute {
		t.Errorf("the run ended %+v after %s, want partial with %d failed within a minute", run, time.Since(began), len(want))
	}
	if peak := peakMemory(t, p); peak > 500<<20 {
		t.Errorf("the server used %d MB", peak>>20)
	}
	var reply struct {
		Errors []struct {
			External string `json:"external_id"`
			Code     string
			Reason   string
		}
	}
	p.call("GET", "/sources/pages/errors?limit=100", nil, &reply)
	for _, e := range reply.Errors {
		code, broken := want[e.External]
		if !broken || code != "" && code != e.Code || !strings.HasSuffix(e.Reason, ".") {
			t.Errorf("%s: %s: %s", e.External, e.Code, e.Reason)
		}
		t.Logf("%-15s %-10s %s", e.External, e.Code, e.Reason)
		delete(want, e.External)
	}
	if len(want) > 0 {
		t.Errorf("no reason for %v", want)
	}
	for _, word := range []string{"pelicans", "cormorants", "gannets", "austernfischer"} {
		var found struct{ Results []struct{ Snippet string } }
		p.call("POST", "/search", map[string]any{"query": word}, &found)
		if len(found.Results) == 0 || !strings.Contains(strings.ToLower(found.Results[0].Snippet), word) {
			t.Errorf("%s is not found: %+v", word, found)
		}
	}
	p.stop()
}

func writeLarge(t *testing.T, path string, size int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := bytes.Repeat([]byte("Terns cross oceans. "), 1<<16/20)
	for written := 0; written < size; written += len(block) {
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
	}
}

// peakMemory returns the most that the server has had resident, in bytes.
func peakMemory(t *testing.T, p *program) int64 {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Log("memory is measured on Linux only")
		return 0
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var kb int64
		if _, err := fmt.Sscanf(lines.Text(), "VmHWM: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	t.Fatal("no VmHWM in /proc")
	return 0
}
