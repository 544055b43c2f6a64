// Package extracttest makes files for tests: small real ones of the binary
// formats, and those that are made to do harm.
package extracttest

import (
	"bytes"
	"crypto/md5"
	"crypto/rc4"
	"fmt"
	"strings"
)

// Line is a line of text on a page of a PDF, in Helvetica.
type Line struct {
	X, Y float64 // points from the lower left corner
	Size float64 // points
	Text string  // ASCII
}

// PDF returns a PDF with pages of lines. A page without lines has only a
// rectangle, as a scanned page has only a picture.
func PDF(title string, pages ...[]Line) []byte { return writePDF(title, pages, "", nil) }

// OutlinedPDF returns a PDF with bookmarks for its first two pages, "Beginning"
// by destination and "Middle" by action. Endless: they follow each other in a
// circle.
func OutlinedPDF(endless bool, pages ...[]Line) []byte {
	return writePDF("Outlined", pages, "", func(n int) []string {
		circle := ""
		if endless {
			circle = fmt.Sprintf("/Next %d 0 R", n+1)
		}
		return []string{
			fmt.Sprintf("<</Type/Outlines/First %d 0 R/Last %d 0 R/Count 2>>", n+1, n+2),
			fmt.Sprintf("<</Title(Beginning)/Parent %d 0 R/Next %d 0 R/Dest[5 0 R/Fit]>>", n, n+2),
			fmt.Sprintf("<</Title(Middle)/Parent %d 0 R%s/A<</S/GoTo/D[7 0 R/Fit]>>>>", n, circle),
		}
	})
}

// EncryptedPDF returns a PDF that opens only with a password.
func EncryptedPDF() []byte {
	return writePDF("Secret", [][]Line{{{X: 72, Y: 700, Size: 12, Text: "The secret is out."}}}, "open sesame", nil)
}

// Paragraphs lays out paragraphs of about 80 characters a line on a page.
func Paragraphs(paragraphs ...string) []Line {
	var lines []Line
	y := 740.0
	for _, p := range paragraphs {
		line := ""
		flush := func() {
			lines = append(lines, Line{X: 72, Y: y, Size: 11, Text: line})
			y -= 14
			line = ""
		}
		for _, word := range strings.Fields(p) {
			if line != "" && len(line)+len(word) > 80 {
				flush()
			}
			line = strings.TrimSpace(line + " " + word)
		}
		flush()
		y -= 10
	}
	return lines
}

// writePDF writes the objects: 1 catalogue, 2 pages, 3 font, 4 properties, then
// two for each page, and what else there is.
func writePDF(title string, pages [][]Line, password string, outline func(first int) []string) []byte {
	id := []byte("0123456789abcdef")
	var lock *security
	if password != "" {
		lock = newSecurity(password, id)
	}
	kids := make([]string, len(pages))
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
		fmt.Sprintf("<</Title<%x>/Author<%x>/CreationDate<%x>>>", lock.encrypt(4, title), lock.encrypt(4, "Ann Writer"), lock.encrypt(4, "D:20260504120000+02'00'")),
	}
	for i, lines := range pages {
		number := 5 + 2*i
		kids[i] = fmt.Sprintf("%d 0 R", number)
		content := lock.encrypt(number+1, pageContent(lines))
		objects = append(objects,
			fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>", number+1),
			fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(content), content))
	}
	objects[1] = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(pages), strings.Join(kids, " "))
	if outline != nil {
		first := len(objects) + 1
		objects[0] = fmt.Sprintf("<</Type/Catalog/Pages 2 0 R/Outlines %d 0 R>>", first)
		objects = append(objects, outline(first)...)
	}
	trailer := fmt.Sprintf("/Root 1 0 R/Info 4 0 R/ID[<%x><%x>]", id, id)
	if lock != nil {
		objects = append(objects, lock.object())
		trailer += fmt.Sprintf("/Encrypt %d 0 R", len(objects))
	}
	var out bytes.Buffer
	out.WriteString("%PDF-1.5\n")
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, start)
	return out.Bytes()
}

func pageContent(lines []Line) string {
	if len(lines) == 0 {
		return "0.5 g 72 72 468 648 re f"
	}
	var b strings.Builder
	for _, l := range lines {
		text := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(l.Text)
		fmt.Fprintf(&b, "BT /F1 %g Tf %g %g Td (%s) Tj ET\n", l.Size, l.X, l.Y, text)
	}
	return b.String()
}

// security is the standard security handler of revision 3 with 128 bits, as
// ISO 32000-1 describes it in 7.6.3.
type security struct {
	key, owner, user []byte
}

const passwordPadding = "\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A"

func newSecurity(password string, id []byte) *security {
	padded := []byte(password + passwordPadding)[:32]
	s := &security{}
	hash := md5.Sum(padded)
	for range 50 {
		hash = md5.Sum(hash[:])
	}
	s.owner = rounds(hash[:], padded)
	sum := md5.New()
	sum.Write(padded)
	sum.Write(s.owner)
	sum.Write([]byte{0xfc, 0xff, 0xff, 0xff}) // the permissions, -4
	sum.Write(id)
	s.key = sum.Sum(nil)
	for range 50 {
		again := md5.Sum(s.key)
		s.key = again[:]
	}
	check := md5.Sum(append([]byte(passwordPadding), id...))
	s.user = append(rounds(s.key, check[:]), make([]byte, 16)...)
	return s
}

// rounds encrypts data twenty times with variations of a key.
func rounds(key, data []byte) []byte {
	out := append([]byte(nil), data...)
	for i := range 20 {
		varied := make([]byte, len(key))
		for j := range key {
			varied[j] = key[j] ^ byte(i)
		}
		crypt(varied, out)
	}
	return out
}

func crypt(key, data []byte) {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic(err) // keys here have 16 bytes
	}
	c.XORKeyStream(data, data)
}

// encrypt encrypts a string of an object; without a handler it returns it.
func (s *security) encrypt(object int, text string) []byte {
	data := []byte(text)
	if s != nil {
		key := md5.Sum(append(append([]byte(nil), s.key...), byte(object), byte(object>>8), byte(object>>16), 0, 0))
		crypt(key[:], data)
	}
	return data
}

func (s *security) object() string {
	return fmt.Sprintf("<</Filter/Standard/V 2/R 3/Length 128/P -4/O<%x>/U<%x>>>", s.owner, s.user)
}
