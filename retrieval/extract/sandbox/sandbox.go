// Package sandbox takes from a process what it does not need to read
// documents: the network, other programs, more memory and processor time than
// it was given. What can be taken depends on the platform; on Linux it is most.
package sandbox

import "time"

// Protections tells what holds for this process since Enter.
type Protections struct {
	Memory   bool // the kernel refuses memory beyond the limit
	Network  bool // no sockets can be made
	Programs bool // no programs can be started
}

// seconds rounds up to whole seconds, in which the kernel counts.
func seconds(d time.Duration) uint64 { return uint64((d + time.Second - 1) / time.Second) }
