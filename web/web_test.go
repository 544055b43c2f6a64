package web

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	files, built := Files()
	if _, err := fs.Stat(files, "stub.html"); err != nil {
		t.Errorf("the page that says how to build: %v", err)
	}
	if !built {
		t.Skip("built without the interface")
	}
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	page := string(index)
	for _, tag := range regexp.MustCompile(`<script[^>]*>[^<]*`).FindAllString(page, -1) {
		if !strings.Contains(tag, ` src="/`) || !strings.HasSuffix(tag, ">") {
			t.Errorf("index.html has a script that is not a file of ours: %s", tag)
		}
	}
	if strings.Contains(page, "<style") || strings.Contains(page, "style=") || strings.Contains(page, "//") {
		t.Errorf("index.html has an inline style or a foreign address:\n%s", page)
	}
	for _, match := range regexp.MustCompile(`(?:src|href)="/([^"]+)"`).FindAllStringSubmatch(page, -1) {
		for _, name := range []string{match[1], match[1] + ".br", match[1] + ".gz"} {
			if _, err := fs.Stat(files, name); err != nil {
				t.Errorf("index.html names a file that is missing: %v", err)
			}
		}
	}
}
