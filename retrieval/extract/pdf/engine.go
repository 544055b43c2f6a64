// Package pdf extracts the text of PDF files with PDFium, compiled to
// WebAssembly: the C++ of PDFium reaches neither the memory of this process
// nor files nor the network.
package pdf

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Engine is a PDFium that is ready to open files, one at a time. The zero
// Engine is ready; it starts PDFium with the first file. It must not be used
// by several goroutines at once.
type Engine struct {
	// CacheDir keeps the compiled PDFium, about 20 MB, for the next start,
	// which then takes a tenth of a second instead of about three. Whoever can
	// write there can run code here. Empty: nothing is kept.
	CacheDir string
	// Memory bounds what PDFium may use, in bytes; 0: 512 MB.
	Memory int64

	cache    wazero.CompilationCache
	pool     pdfium.Pool
	instance pdfium.Pdfium
	used     int // documents of this instance
}

// instanceDocuments is how many documents an instance opens before it is
// replaced: its memory grows with the largest and is not given back before.
const instanceDocuments = 50

// acquire returns the instance of PDFium, starting it if there is none.
func (e *Engine) acquire() (pdfium.Pdfium, error) {
	if e.instance != nil && e.used < instanceDocuments {
		e.used++
		return e.instance, nil
	}
	if e.instance != nil {
		e.instance.Close()
		e.instance = nil
	}
	if e.pool == nil {
		if err := e.start(); err != nil {
			return nil, err
		}
	}
	instance, err := e.pool.GetInstance(time.Minute)
	if err != nil {
		return nil, fmt.Errorf("start PDFium: %w", err)
	}
	e.instance, e.used = instance, 1
	return instance, nil
}

func (e *Engine) start() error {
	memory := e.Memory
	if memory <= 0 {
		memory = 512 << 20
	}
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(uint32(memory >> 16))
	if e.CacheDir != "" {
		// Without the cache everything works, only later.
		if cache, err := wazero.NewCompilationCacheWithDir(e.CacheDir); err == nil {
			e.cache = cache
			config = config.WithCompilationCache(cache)
		}
	}
	pool, err := webassembly.Init(webassembly.Config{
		MinIdle: 0, MaxIdle: 1, MaxTotal: 1,
		FSConfig:      wazero.NewFSConfig(), // no files; by default it sees the whole disk
		RuntimeConfig: config,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return fmt.Errorf("start PDFium: %w", err)
	}
	e.pool = pool
	return nil
}

// Close ends PDFium and gives its memory back. The Engine may be used again.
func (e *Engine) Close() error {
	var err error
	if e.pool != nil {
		err = e.pool.Close()
	}
	if e.cache != nil {
		err = e.cache.Close(context.Background())
	}
	e.pool, e.instance, e.cache = nil, nil, nil
	return err
}
