package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/client"
	"github.com/cairnhq/cairn/cmd/cairn/internal/terminal"
)

// documentCommand returns `cairn doc`.
func documentCommand(e *environment) *cobra.Command {
	return family("doc", "Single documents: read, bring, remove", docGetCommand(e), docPutCommand(e), docRemoveCommand(e))
}

func docGetCommand(e *environment) *cobra.Command {
	var version string
	c := &cobra.Command{
		Use: "get ID", Short: "Print the text of a document", Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			d, err := c.Document(ctx, args[0], version)
			if err != nil {
				return missing(err, "document", args[0])
			}
			if e.json {
				return e.printReply(d.JSON)
			}
			return e.printDocument(d)
		}),
	}
	c.Flags().StringVar(&version, "version", "", "a version that was cited, instead of the newest")
	return c
}

// printDocument prints the text: with a head and harmless on a terminal, else
// exactly as it is stored, so that offsets hold.
func (e *environment) printDocument(d client.Document) error {
	out := e.screen()
	text := d.Text
	if out.Terminal {
		out.Printf("%s\n%s\n\n", out.Bold(terminal.Line(d.Title)), out.Dim(join(
			terminal.Line(d.Source), terminal.Line(d.Kind), terminal.Line(d.Author), day(d.UpdatedAt), terminal.Line(d.URL))))
		text = terminal.Clean(text)
	}
	_, err := io.WriteString(out, text)
	if err == nil && !strings.HasSuffix(text, "\n") {
		_, err = io.WriteString(out, "\n")
	}
	return err
}

func docPutCommand(e *environment) *cobra.Command {
	var source, id, acl, mediaType, batch string
	var doc client.Push
	c := &cobra.Command{
		Use:   "put --source NAME (--id EXTERNAL_ID FILE | --batch FILE)",
		Short: "Bring documents to a source of kind push",
		Long: `Bring a document to a source of kind push, in place of an earlier one with the same id of
yours. The next search finds it. FILE may be "-": standard input.

With --batch, FILE has a JSON object a line: {"id", "title", "text", …} as in the API, or
{"id", "delete": true}. The lines that fail are printed; they do not stop the others.`,
		Args: cobra.MaximumNArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			if batch != "" {
				if len(args) > 0 || id != "" {
					return usageError{errors.New("--batch brings ids and documents itself: leave --id and FILE out")}
				}
				if err := need("source", source); err != nil {
					return err
				}
				return e.putBatch(ctx, c, source, batch)
			}
			if len(args) == 0 {
				return usageError{errors.New("give the file of the document, or --batch")}
			}
			for _, f := range [][2]string{{"source", source}, {"id", id}} {
				if err := need(f[0], f[1]); err != nil {
					return err
				}
			}
			content, err := e.readFile(args[0])
			if err != nil {
				return err
			}
			if err := fill(&doc, args[0], id, mediaType, content); err != nil {
				return err
			}
			if doc.ACL, err = documentACL(acl); err != nil {
				return err
			}
			pushed, err := c.PutDocument(ctx, source, id, doc)
			if err != nil {
				return notPushed(err, source)
			}
			if e.json {
				return e.printReply(pushed.JSON)
			}
			e.screen().Printf("Stored as %s, version %s.\n", terminal.Line(pushed.ID), terminal.Line(pushed.Version))
			return nil
		}),
	}
	f := c.Flags()
	f.StringVar(&source, "source", "", "name of the source")
	f.StringVar(&id, "id", "", "your own id of the document")
	f.StringVar(&batch, "batch", "", "a file of many documents, one JSON object a line")
	f.StringVar(&doc.Title, "title", "", "its title (default: the name of the file)")
	f.StringVar(&doc.URL, "url", "", "where people find it")
	f.StringVar(&doc.Author, "author", "", "who wrote it")
	f.StringVar(&mediaType, "media-type", "", "what it is, as in application/pdf (default: by the ending of the name)")
	f.StringVar(&acl, "acl", "", "who may read it: everyone, principals parted by commas, or a whole ACL as JSON (default: as the source)")
	return c
}

// maxFile is above what the server accepts, which then says so itself.
const maxFile = 256 << 20

func (e *environment) readFile(name string) ([]byte, error) {
	r := e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(b) > maxFile:
		return nil, cairn.Errorf(cairn.ErrTooLarge, "%s is larger than 256 MiB", name)
	case len(b) == 0:
		return nil, cairn.Errorf(cairn.ErrInvalid, "%s is empty; cairn doc rm removes a document", name)
	}
	return b, nil
}

// fill sets content, media type and title from a file.
func fill(doc *client.Push, file, id, mediaType string, content []byte) error {
	if doc.Title == "" {
		doc.Title = id
		if file != "-" {
			doc.Title = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		}
	}
	doc.MediaType = mediaType
	if mediaType == "" {
		doc.MediaType = typeOf(file)
	}
	switch {
	case utf8.Valid(content) && (doc.MediaType == "" || doc.MediaType == "text/plain" || doc.MediaType == "text/markdown"):
		doc.Text = string(content)
	case doc.MediaType == "":
		return usageError{fmt.Errorf("%s is no text, and its name does not tell what it is: give --media-type", file)}
	default:
		doc.Content = content
	}
	return nil
}

// typeOf returns the media type of a file by its ending, without parameters. The
// usual ones are named here, because the lists of systems differ.
func typeOf(file string) string {
	switch ext := strings.ToLower(filepath.Ext(file)); ext {
	case ".md", ".markdown":
		return "text/markdown"
	case ".txt", ".text", ".log":
		return "text/plain"
	case ".pdf":
		return "application/pdf"
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".csv":
		return "text/csv"
	case ".eml":
		return "message/rfc822"
	default:
		media, _, err := mime.ParseMediaType(mime.TypeByExtension(ext))
		if err != nil {
			return ""
		}
		return media
	}
}

// documentACL reads --acl of a document; nil: as the source.
func documentACL(acl string) (*cairn.ACL, error) {
	acl = strings.TrimSpace(acl)
	if acl == "" || acl == "source" {
		return nil, nil
	}
	var out cairn.ACL
	if strings.HasPrefix(acl, "{") {
		d := json.NewDecoder(strings.NewReader(acl))
		d.DisallowUnknownFields()
		if err := d.Decode(&out); err != nil {
			return nil, usageError{fmt.Errorf(`--acl: %w; write it as in {"allow":[["group:cairn:finance"]]}`, err)}
		}
		return &out, nil
	}
	var clause []cairn.PrincipalKey
	for _, p := range strings.Split(acl, ",") {
		key := cairn.PrincipalKey(strings.TrimSpace(p))
		if !key.Valid() {
			return nil, usageError{fmt.Errorf("--acl: %q is no principal; write everyone, user:ann@example.com or group:cairn:finance", p)}
		}
		clause = append(clause, key)
	}
	out.Allow = [][]cairn.PrincipalKey{clause}
	return &out, nil
}

func docRemoveCommand(e *environment) *cobra.Command {
	return &cobra.Command{
		Use:   "rm ID",
		Short: "Erase a document with the answers that were made from it",
		Long: `Erase a document at once, with everything that was made from it, answers included. One that
a connector reads is for administrators to erase; it does not come back with the next sync.`,
		Args: cobra.ExactArgs(1),
		RunE: e.online(func(ctx context.Context, c *client.Client, args []string) error {
			return e.eraseDocument(ctx, c, args[0])
		}),
	}
}
