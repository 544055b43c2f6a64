package dense

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCodecRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, words := rapid.IntRange(0, 300).Draw(t, "chunks"), rapid.IntRange(1, 64).Draw(t, "words")
		random := splitMix(rapid.Uint64().Draw(t, "seed"))
		codes := randomCodes(&random, n, words)
		var has []uint64
		if rapid.Bool().Draw(t, "bitmap") {
			has = make([]uint64, (n+63)/64)
			for i := range n {
				if random.below(2) == 1 {
					has[i/64] |= 1 << (i % 64)
				} else {
					codes.Set(i, make([]uint64, codes.Size()))
				}
			}
		}
		data := Encode(codes, has, n)
		gotCodes, gotHas, err := Decode(data, n, words)
		if err != nil {
			t.Fatal(err)
		}
		if !gotCodes.Equal(&codes) || !slices.Equal(gotHas, has) || (gotHas == nil) != (has == nil) {
			t.Fatal("decoded something else")
		}

		damaged := slices.Clone(data)
		damaged[random.below(len(damaged))] ^= byte(1 + random.below(255))
		if _, _, err := Decode(damaged, n, words); !errors.Is(err, ErrMalformed) {
			t.Fatalf("a changed byte: %v", err)
		}
		if _, _, err := Decode(data[:random.below(len(data))], n, words); !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut off: %v", err)
		}
		if _, _, err := Decode(data, n+1, words); !errors.Is(err, ErrMalformed) {
			t.Fatalf("another number of chunks: %v", err)
		}
		if _, _, err := Decode(data, n, words+1); !errors.Is(err, ErrMalformed) {
			t.Fatalf("another length of codes: %v", err)
		}
	})
}

// randomCodes returns n codes whose signs have so many words.
func randomCodes(random *splitMix, n, words int) Codes {
	codes := MakeCodes(0, words)
	for range n {
		code := make([]uint64, codes.Size())
		for i := range code {
			code[i] = random.next()
		}
		codes.Append(code)
	}
	return codes
}

// Bits past the last chunk are not kept.
func TestEncodeTrimsBitmap(t *testing.T) {
	_, has, err := Decode(Encode(MakeCodes(3, 1), []uint64{^uint64(0)}, 3), 3, 1)
	if err != nil || !slices.Equal(has, []uint64{7}) {
		t.Errorf("bitmap %b, %v; want 111", has, err)
	}
}

func TestDecodeRejectsBitsPastTheLastChunk(t *testing.T) {
	data := Encode(MakeCodes(3, 1), []uint64{0}, 3)
	data[codecHeader] = 1 << 3
	body := append(data[:len(data)-codecSum], make([]byte, 32)...) // its code
	if _, _, err := Decode(binary.LittleEndian.AppendUint32(body, checksum(body)), 3, 1); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
}

// FuzzDecode gives the decoder bodies whose checksum is right. What it accepts
// encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, data := range [][]byte{
		Encode(MakeCodes(2, 2), nil, 2), Encode(MakeCodes(2, 2), []uint64{2}, 2), Encode(MakeCodes(0, 1), nil, 0),
	} {
		f.Add(data[:len(data)-codecSum], uint16(2), uint8(2))
	}
	f.Fuzz(func(t *testing.T, body []byte, n uint16, words uint8) {
		data := binary.LittleEndian.AppendUint32(slices.Clone(body), checksum(body))
		codes, has, err := Decode(data, int(n), int(words))
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again := Encode(codes, has, int(n)); !slices.Equal(again, data) {
			t.Fatalf("%x became %x", data, again)
		}
	})
}
