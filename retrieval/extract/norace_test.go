//go:build !race

package extract

const (
	raceEnabled = false
	testMemory  = 256 << 20
)
