package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cairnhq/cairn"
)

// Event is one thing that was done or tried.
type Event struct {
	At      time.Time // microseconds count
	Action  Action
	Outcome Outcome
	Account cairn.AccountID // who; empty when nobody has signed in
	Via     string          // how the caller showed who it is: "session", "token", "issuer", "local"
	Token   string          // id of the token; empty without one
	Address string          // of the client
	Request string          // id of the request, as in the server's log
	Object  Object
	// Detail says more in words of the program, such as "role:admin".
	Detail    string
	Documents []cairn.DocumentID // that were shown, or erased
	// Grants are those that the caller held. They are no field of the row: the log
	// adds a row of the action GrantUse for each that covers some of the documents.
	Grants []cairn.GrantID
}

// Row is an event in its place in the log.
type Row struct {
	Mark // of this row
	Event
	Previous Hash // of the row before it
}

// Hash identifies a row with all rows before it. That of nothing is zero.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Mark names a row and all before it: whoever has noted the mark of the newest
// row can tell later whether the log still holds the same rows up to it.
type Mark struct {
	Seq  int64 // from 1, without gaps
	Hash Hash
}

// String returns the mark as "SEQ:HASH", or "" for the zero mark.
func (m Mark) String() string {
	if m == (Mark{}) {
		return ""
	}
	return fmt.Sprintf("%d:%s", m.Seq, m.Hash)
}

// ParseMark reads what String returns. Errors are ErrInvalid.
func ParseMark(s string) (Mark, error) {
	seq, hash, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	b, hexErr := hex.DecodeString(hash)
	if err != nil || hexErr != nil || n < 1 || len(b) != sha256.Size {
		return Mark{}, cairn.Errorf(cairn.ErrInvalid, "%q is no mark of the audit log; write it as verify printed it: the number of a row, a colon and its hash", s)
	}
	return Mark{n, Hash(b)}, nil
}

// HashOf returns the hash that a row must have: SHA-256 of the previous hash and
// the fields of the row in the order of Event, each as its length in bytes, a
// colon, its bytes and a comma (a netstring). A time is microseconds since 1970,
// the documents are one field of netstrings. The database computes the same.
func HashOf(r Row) Hash {
	b := append([]byte(nil), r.Previous[:]...)
	var documents []byte
	for _, d := range r.Documents {
		documents = appendField(documents, string(d))
	}
	for _, field := range []string{
		strconv.FormatInt(r.Seq, 10), strconv.FormatInt(r.At.UnixMicro(), 10), string(r.Action), string(r.Outcome),
		string(r.Account), r.Via, r.Token, r.Address, r.Request, string(r.Object.Kind), r.Object.ID, r.Detail, string(documents),
	} {
		b = appendField(b, field)
	}
	return sha256.Sum256(b)
}

func appendField(b []byte, field string) []byte {
	b = strconv.AppendInt(b, int64(len(field)), 10)
	b = append(b, ':')
	b = append(b, field...)
	return append(b, ',')
}
