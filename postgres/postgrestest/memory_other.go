//go:build !linux

package postgrestest

import "os"

// TempRoot returns where the private servers of tests keep their data.
func TempRoot() string { return os.TempDir() }
