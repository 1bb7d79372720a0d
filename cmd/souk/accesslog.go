package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// flushInterval is how old a line of the access log gets before it is in the file.
const flushInterval = 200 * time.Millisecond

// accessLog opens the access log: buffered, because a write a request costs more than the request's cryptography does.
func (n *node) accessLog(name string, stderr io.Writer, log *slog.Logger) (io.Writer, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return &lockedWriter{w: stderr}, nil
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--access-log: %w", err)
	}
	w := &flushWriter{file: f, buf: bufio.NewWriterSize(f, 64<<10), log: log}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(flushInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.flush()
			case <-stop:
				return
			}
		}
	})
	n.close = append(n.close, func() error {
		close(stop)
		wg.Wait()
		w.flush()
		return f.Close()
	})
	return w, nil
}

// flushWriter buffers lines. A disk that is full for a while costs the lines of that while, and no more: an error is told once, and the
// next line is tried again.
type flushWriter struct {
	mu     sync.Mutex
	file   io.Writer
	buf    *bufio.Writer
	log    *slog.Logger
	failed bool // the last attempt did
}

func (w *flushWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.buf.Write(p) // without an error this says nothing of the disk
	if err != nil {
		w.note(err)
	}
	return n, err
}

func (w *flushWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buf.Buffered() > 0 {
		w.note(w.buf.Flush())
	}
}

func (w *flushWriter) note(err error) {
	if err != nil {
		w.buf.Reset(w.file)
		if !w.failed && !errors.Is(err, os.ErrClosed) {
			w.log.Error("lines of the access log are lost", "error", err)
		}
	}
	w.failed = err != nil
}

// lockedWriter keeps lines whole on a writer that several share.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}
