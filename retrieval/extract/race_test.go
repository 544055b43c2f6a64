//go:build race

package extract

// Under the race detector a worker needs several times the memory.
const (
	raceEnabled = true
	testMemory  = 1 << 30
)
