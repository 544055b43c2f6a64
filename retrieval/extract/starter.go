package extract

import "runtime"

// starter starts workers from one thread that lives as long as the pool: on
// Linux a worker ends with the thread that has started it, which is meant to
// be the server's end and not that of some thread which the Go runtime gave up.
type starter struct {
	requests chan func()
}

func newStarter() *starter {
	s := &starter{requests: make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for request := range s.requests {
			request()
		}
	}()
	return s
}

func (s *starter) start(command []string) (w *worker, err error) {
	done := make(chan struct{})
	s.requests <- func() {
		w, err = startWorker(command)
		close(done)
	}
	<-done
	return w, err
}

func (s *starter) close() { close(s.requests) }
