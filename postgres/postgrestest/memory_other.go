//go:build !linux

package postgrestest

import "os"

// tempRoot is where private servers keep their data.
func tempRoot() string { return os.TempDir() }
