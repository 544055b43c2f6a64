package slack

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"time"

	"github.com/cairnhq/cairn/connectors"
)

// position is what a cursor holds: how far each channel was read. Times are in hours
// since 1970, rounded down, so that a cursor for 5,000 channels stays below 64 KB.
type position struct {
	Mode     string             `json:"m"` // of the settings
	Channels map[string]place   `json:"c"` // that were read to their beginning, by id
	Partial  map[string]partial `json:"p"` // passes that have not come to their end, by id
}

// place is how far one channel was read.
type place struct {
	Through int64 // all up to then is known, but for changes of old messages
	Whole   int64 // when it was last read as a whole
	Public  bool
}

// MarshalJSON keeps cursors short.
func (p place) MarshalJSON() ([]byte, error) {
	public := int64(0)
	if p.Public {
		public = 1
	}
	return json.Marshal([3]int64{p.Through, p.Whole, public})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *place) UnmarshalJSON(b []byte) error {
	var v [3]int64
	err := json.Unmarshal(b, &v)
	*p = place{Through: v[0], Whole: v[1], Public: v[2] == 1}
	return err
}

// partial is a pass over a channel that has not come to its end.
type partial struct {
	Until  int64  `json:"u"` // when it began
	Before string `json:"b"` // it goes on with the messages before this timestamp; empty: with all
	Whole  bool   `json:"w"`
	Public bool   `json:"p"`
}

// maxPosition bounds what a cursor may unpack to.
const maxPosition = 16 << 20

// positionOf reads a cursor. One that cannot be read, or is of other settings, is the
// beginning.
func positionOf(cursor connectors.Cursor, mode string) position {
	begin := position{Mode: mode, Channels: map[string]place{}, Partial: map[string]partial{}}
	packed, err := base64.RawURLEncoding.DecodeString(string(cursor))
	if err != nil || len(packed) == 0 {
		return begin
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxPosition))
	var p position
	if err != nil || json.Unmarshal(text, &p) != nil || p.Mode != mode || p.Channels == nil || p.Partial == nil {
		return begin
	}
	maps.DeleteFunc(p.Partial, func(_ string, p partial) bool { return !timestamp.MatchString(p.Before) })
	return p
}

func (p position) cursor() (connectors.Cursor, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	return connectors.Cursor(base64.RawURLEncoding.EncodeToString(packed.Bytes())), err
}

func hours(t time.Time) int64 { return t.Unix() / 3600 }

func ofHours(h int64) time.Time { return time.Unix(h*3600, 0).UTC() }
