package code

import "slices"

// fold returns a byte with ASCII letters in lower case: the index knows no other.
func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func folded(s []byte) []byte {
	out := make([]byte, len(s))
	for i, c := range s {
		out[i] = fold(c)
	}
	return out
}

// trigrams returns every three bytes that follow each other on a line, folded, each
// once, in ascending order.
func trigrams(body []byte) []int32 {
	all := make([]int32, 0, len(body))
	run := 0 // bytes since the line began
	var last int32
	for _, c := range body {
		if c == '\n' {
			run = 0
			continue
		}
		last = (last<<8 | int32(fold(c))) & 0xffffff
		if run++; run >= 3 {
			all = append(all, last)
		}
	}
	slices.Sort(all)
	return slices.Clip(slices.Compact(all))
}
