//go:build !unix

package connectortest

import "time"

// processorTime is not known here.
func processorTime() time.Duration { return 0 }
