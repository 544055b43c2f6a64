package extract

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cairnhq/cairn/retrieval/extract/canon"
)

// Inline gives what a worker gives.
func TestInlineEqualsExtract(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   Input
		text string
	}{
		"headings":       {Input{Filename: "42", MediaType: "text/markdown"}, "# Größe\r\n\r\nAn e\u0301clair\u200b.\n\n\n\n## Two\n\ntext <b>bold</b>\n"},
		"front matter":   {Input{Filename: "a.md"}, "---\ntitle: Hello\nauthor: Ann\n---\nText of the page."},
		"plain":          {Input{Filename: "a.txt"}, "INTRODUCTION\n\nThe text.\n\n1. Numbered\n\nmore"},
		"plain by type":  {Input{Filename: "a", MediaType: "text/plain; charset=utf-8"}, "The text."},
		"dotted name":    {Input{Filename: "release-1.2", MediaType: "text/markdown"}, "# Notes\n\nText."},
		"german":         {Input{Filename: "x", MediaType: "text/markdown"}, strings.Repeat("Die Abrechnung der Reisekosten erfolgt am Ende des Monats. ", 20)},
		"tangled":        {Input{Filename: "x.md"}, strings.Repeat("[", 6000)},
		"much white":     {Input{Filename: "x.md"}, "\n\n  text\t \n\n\n"},
		"bom and nul":    {Input{Filename: "x.md"}, "\ufefftext\u0000 more"},
		"html in a page": {Input{Filename: "x.md"}, "<html><body><h1>Title</h1><p>Text</p></body></html>"},
	} {
		got, ok, err := Inline(t.Context(), c.in, c.text)
		if err != nil || !ok {
			t.Errorf("%s: %t, %v", name, ok, err)
			continue
		}
		want, err := Extract(t.Context(), c.in, strings.NewReader(c.text), DefaultLimits())
		if err != nil {
			t.Fatal(name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestInlineLeavesTheRestToThePool(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   Input
		text string
	}{
		"CSV":             {Input{Filename: "a.csv", MediaType: "text/markdown"}, "a,b\n1,2\n"},
		"mail":            {Input{Filename: "a", MediaType: "message/rfc822"}, "From: a@b.example\n\ntext"},
		"HTML":            {Input{Filename: "a", MediaType: "text/html"}, "<p>text"},
		"HTML as text":    {Input{Filename: "a.txt"}, "<!DOCTYPE html><html><body><p>text</body></html>"},
		"source code":     {Input{Filename: "a.go", MediaType: "text/plain"}, "package a"},
		"unknown":         {Input{Filename: "a"}, "text"},
		"long":            {Input{Filename: "a.md"}, strings.Repeat("long ", InlineBytes/5+1)},
		"not UTF-8":       {Input{Filename: "a.md"}, "caf\xe9"},
		"PDF by its type": {Input{Filename: "a", MediaType: "application/pdf"}, "%PDF-1.7"},
	} {
		if text, ok, err := Inline(t.Context(), c.in, c.text); ok || err != nil {
			t.Errorf("%s: %+v, %v", name, text, err)
		}
	}
}

func TestInlineOfNothing(t *testing.T) {
	t.Parallel()
	_, ok, err := Inline(t.Context(), Input{Filename: "a.md"}, " \n\u200b\n")
	var failure *Failure
	if !ok || !errors.As(err, &failure) || failure.Code != canon.CodeEmpty {
		t.Errorf("%t, %v", ok, err)
	}
}
