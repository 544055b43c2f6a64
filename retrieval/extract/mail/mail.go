// Package mail extracts messages in the format of RFC 5322 with MIME.
package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // the encodings that mails come in
	gomail "github.com/emersion/go-message/mail"

	"github.com/cairnhq/cairn"
	"github.com/cairnhq/cairn/retrieval/extract/canon"
	"github.com/cairnhq/cairn/retrieval/extract/markup"
	"github.com/cairnhq/cairn/retrieval/extract/plain"
)

// The limits of a message.
const (
	maxParts       = 1_000
	maxNesting     = 20
	maxAttachments = 200
)

// Extract extracts a message. Its body begins with the sender, the receivers,
// the date and the subject; then comes the text, plain where there is a choice.
// What it quotes from earlier mails stays, as a section of its own where the
// quotation begins. Attachments of together at most attached bytes are returned
// as they are; of others the notice tells.
func Extract(src []byte, limit, attached int) (*canon.Text, error) {
	entity, err := message.Read(bytes.NewReader(src))
	if entity == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return nil, corrupt()
	}
	header := gomail.Header{Header: entity.Header}
	if !header.Has("From") && !header.Has("Subject") && !header.Has("Date") {
		return nil, corrupt()
	}
	r := &reader{text: &canon.Text{Kind: cairn.KindMail}, left: attached}
	if err := r.part(entity, 0); err != nil {
		return nil, err
	}
	b := canon.NewBuilder(limit)
	r.head(b, header)
	r.body(b)
	b.Into(r.text)
	return r.text, nil
}

func corrupt() error {
	return canon.Failf(canon.CodeCorrupt, "The message is damaged: its structure cannot be read. Export it again from the mail program.")
}

// reader gathers the parts of a message.
type reader struct {
	text  *canon.Text
	parts int
	left  int // bytes of attachments that may still be kept
	plain []string
	html  []string
}

// part reads a part and those inside it.
func (r *reader) part(e *message.Entity, depth int) error {
	if r.parts++; r.parts > maxParts || depth > maxNesting {
		return canon.Failf(canon.CodeCorrupt, "The message consists of more parts than any mail program writes. It may be made to do harm.")
	}
	if parts := e.MultipartReader(); parts != nil {
		for {
			inner, err := parts.NextPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if inner == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				// A message that breaks off keeps the parts before.
				r.text.Notice(canon.NoticeTruncated)
				return nil
			}
			if err := r.part(inner, depth+1); err != nil {
				return err
			}
		}
	}
	return r.leaf(e)
}

// leaf reads a part that holds no others: text of the message, or an attachment.
func (r *reader) leaf(e *message.Entity) error {
	kind, params, _ := e.Header.ContentType()
	disposition, dparams, _ := e.Header.ContentDisposition()
	filename := decodeWord(dparams["filename"])
	if filename == "" {
		filename = decodeWord(params["name"])
	}
	data, err := io.ReadAll(e.Body)
	if err != nil && len(data) == 0 {
		// One part in an unknown encoding does not spoil the message.
		r.text.Notice(canon.NoticeBadBytes)
		return nil
	}
	isText := kind == "text/plain" || kind == "text/html" || kind == ""
	if isText && disposition != "attachment" && filename == "" {
		r.readText(kind, params["charset"], data)
		return nil
	}
	if disposition == "inline" && strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "image/") && e.Header.Has("Content-Id") {
		return nil // a logo or a picture inside of the text
	}
	r.attach(filename, kind, data)
	return nil
}

func (r *reader) readText(kind, charset string, data []byte) {
	text, replaced, err := plain.Decode(data, charset)
	if err != nil {
		r.text.Notice(canon.NoticeBadBytes)
		return
	}
	if replaced {
		r.text.Notice(canon.NoticeBadBytes)
	}
	if kind == "text/html" {
		r.html = append(r.html, markup.Fragment(text, len(text)+1))
	} else {
		r.plain = append(r.plain, unflow(string(text)))
	}
}

func (r *reader) attach(filename, kind string, data []byte) {
	if len(data) == 0 {
		return
	}
	if len(r.text.Attachments) == maxAttachments || len(data) > r.left {
		r.text.Notice(canon.NoticeLeftOut)
		return
	}
	r.left -= len(data)
	if kind == "message/rfc822" && filename == "" {
		filename = fmt.Sprintf("message-%d.eml", len(r.text.Attachments)+1)
	}
	r.text.Attachments = append(r.text.Attachments, canon.Attachment{Filename: canon.Inline(filename), MediaType: kind, Data: data})
}

// head writes the first lines of the body and fills in what they say.
func (r *reader) head(b *canon.Builder, h gomail.Header) {
	t := r.text
	subject, err := h.Subject()
	if err != nil {
		subject = h.Get("Subject")
	}
	t.Title = canon.Inline(subject)
	if from, err := h.AddressList("From"); err == nil && len(from) > 0 {
		if t.Author = canon.Inline(from[0].Name); t.Author == "" {
			t.Author = canon.Inline(from[0].Address)
		}
	}
	if at, err := h.Date(); err == nil && !at.IsZero() {
		t.Created, t.Modified = at.UTC(), at.UTC()
	}
	b.Line(headerLine(h, "From"))
	b.Line(headerLine(h, "To"))
	b.Line(headerLine(h, "Cc"))
	if !t.Created.IsZero() {
		b.Line("Date: " + t.Created.Format("2006-01-02 15:04 MST"))
	}
	if t.Title != "" {
		b.Line("Subject: " + t.Title)
	}
	if id, err := h.MessageID(); err == nil {
		t.Set("message_id", id)
	}
	if ids, err := h.MsgIDList("In-Reply-To"); err == nil && len(ids) > 0 {
		t.Set("in_reply_to", ids[0])
	}
	if ids, err := h.MsgIDList("References"); err == nil && len(ids) > 0 {
		t.Set("thread", ids[0])
	}
	var names []string
	for _, a := range t.Attachments {
		if a.Filename != "" {
			names = append(names, a.Filename)
		}
	}
	if len(names) > 0 {
		b.Line("Attachments: " + strings.Join(names, ", "))
	}
}

// headerLine returns the line for a list of addresses; empty without any.
func headerLine(h gomail.Header, key string) string {
	list, err := h.AddressList(key)
	if err != nil {
		if raw := canon.Inline(h.Get(key)); raw != "" {
			return key + ": " + raw
		}
		return ""
	}
	names := make([]string, 0, len(list))
	for _, a := range list {
		if a.Name != "" {
			names = append(names, canon.Inline(a.Name)+" <"+canon.Inline(a.Address)+">")
		} else {
			names = append(names, canon.Inline(a.Address))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return key + ": " + strings.Join(names, ", ")
}

var words = mime.WordDecoder{CharsetReader: message.CharsetReader}

// decodeWord decodes encoded words, which file names often are against the rules.
func decodeWord(s string) string {
	if decoded, err := words.DecodeHeader(s); err == nil {
		return decoded
	}
	return s
}
