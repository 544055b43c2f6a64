package lexical

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// Rows with a right checksum but wrong contents.
func TestCheckRowRejects(t *testing.T) {
	s := &Segment{Chunks: []int64{1, 2}, nonce: 7, big: []uint64{3}}
	other := &Segment{Chunks: s.Chunks, nonce: 8, big: s.big}
	bucket := func(hash uint64, count byte, blob ...byte) []byte {
		data := append(binary.LittleEndian.AppendUint64([]byte{1, 0, 0, 0}, hash), count)
		return append(data, blob...)
	}
	for name, row := range map[string]struct {
		key     int64
		payload []byte
		ok      bool
	}{
		"big":                 {3, []byte{0, 0, 1, 0, 1, 1}, true},
		"big, outside":        {3, []byte{0, 0, 2, 0, 1, 1}, false},
		"big, descending":     {3, []byte{1, 0, 0, 0, 1, 1}, false},
		"big, frequency 0":    {3, []byte{0, 0, 1, 0, 1, 0}, false},
		"big, empty":          {3, nil, false},
		"big, cut off":        {3, []byte{0, 0, 1, 0, 1}, false},
		"bucket":              {-1, bucket(5, 1, 1, 0, 1), true},
		"bucket, empty":       {-1, []byte{0, 0, 0, 0}, true},
		"bucket, outside":     {-1, bucket(5, 1, 2, 0, 1), false},
		"bucket, long hash":   {-1, bucket(1<<63, 1, 1, 0, 1), false},
		"bucket, too long":    {-1, bucket(5, 1, 1, 0, 1, 0), false},
		"bucket, cut off":     {-1, bucket(5, 2, 1, 0, 1), false},
		"bucket, no postings": {-1, bucket(5, 0), false},
		"foreign bucket":      {-2, bucket(5, 1, 1, 0, 1), false},
	} {
		data := s.sealed(row.key, append(make([]byte, checksumSize), row.payload...)).Data
		if err := s.CheckRow(row.key, data); (err == nil) != row.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: error = %v", name, err)
		}
		if err := s.CheckRow(row.key-1, data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s under another key: error = %v, want ErrMalformed", name, err)
		}
		if err := other.CheckRow(row.key, data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s in another segment: error = %v, want ErrMalformed", name, err)
		}
	}
}

// A segment of version 1, which had no nonce, is read as it was.
func TestVersion1IsRead(t *testing.T) {
	header := []byte("\x01\xce\xb5\xce\xcc\x00\x02\x0e\x02\x05\x00\x06\x00\x01\x00\x01\x02en\x00")
	row := []byte("\xa9\xe9q\xa9\x01\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x01\x00\x01\x02")
	s, err := ParseSegment(header)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Chunks, []int64{7, 9}) || !slices.Equal(s.Lengths, []uint16{5, 6}) {
		t.Errorf("chunks %d, lengths %d", s.Chunks, s.Lengths)
	}
	if err := s.CheckRow(-1, row); err != nil {
		t.Error(err)
	}
	if _, tfs, err := s.Postings(-1, row, 3); err != nil || !slices.Equal(tfs, []byte{1, 2}) {
		t.Errorf("frequencies %d, %v", tfs, err)
	}
}

func FuzzParseSegment(f *testing.F) {
	b, err := Build([]Entry{{Chunk: 1, Language: "en"}, {Chunk: 9, Language: "de"}})
	s, _ := finish(f, b, err)
	data, _ := s.MarshalBinary()
	f.Add(data[headerStart:])
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 0, 2, 2, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		data := append([]byte{headerVersion, 0, 0, 0, 0}, body...)
		binary.LittleEndian.PutUint32(data[1:], headerChecksum(data))
		s, err := ParseSegment(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("error = %v, want ErrMalformed", err)
			}
			return
		}
		if !slices.IsSorted(s.Chunks) || len(s.Lengths) != len(s.Chunks) || len(s.Languages) != len(s.Chunks) {
			t.Fatalf("segment %v", s)
		}
		again, _ := s.MarshalBinary()
		back, err := ParseSegment(again)
		if err != nil || !gocmp.Equal(s, back, gocmp.AllowUnexported(Segment{})) {
			t.Fatalf("marshalled and parsed: %v, %v, want %v", back, err, s)
		}
	})
}

// Nothing panics on any bytes, and a checked row does not even make Match panic.
func FuzzRow(f *testing.F) {
	b, err := Build([]Entry{{Chunk: 1, Terms: encoded(map[uint64]uint8{3: 1, 1 << 62: 9})}, {Chunk: 2, Terms: encoded(map[uint64]uint8{3: 1})}})
	_, rows := finish(f, b, err)
	for key, data := range rows {
		f.Add(key, data[checksumSize:], uint64(3))
	}
	f.Add(int64(3), []byte{0, 0, 1, 0, 1, 1}, uint64(3))
	f.Fuzz(func(t *testing.T, key int64, payload []byte, hash uint64) {
		hash &= 1<<63 - 1
		s := &Segment{Chunks: []int64{1, 2}, Lengths: []uint16{1, 1}, Languages: []uint8{0, 0}, Names: []string{""}, nonce: hash}
		data := s.sealed(key, append(make([]byte, checksumSize), payload...)).Data
		if key >= 0 {
			s.big = []uint64{uint64(key)}
		}
		_, _, unchecked := s.Postings(key, data, hash)
		checked := s.CheckRow(key, data)
		for _, err := range []error{unchecked, checked, s.CheckRow(key, payload)} {
			if err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatalf("error = %v, want ErrMalformed", err)
			}
		}
		if checked == nil && s.Key(hash) == key {
			if _, err := s.Match([]QueryTerm{{Hash: hash, Weight: 1}}, func(int64) []byte { return data }, []uint32{1, 1}, []uint8{0, 1}); err != nil {
				t.Fatalf("a checked row: %v", err)
			}
		}
	})
}
