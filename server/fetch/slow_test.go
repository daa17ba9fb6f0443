package fetch

import (
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// answer is a body whose bytes send writes.
func answer(t *testing.T, idle time.Duration, send func(io.Writer)) *body {
	r, w := io.Pipe()
	var sender sync.WaitGroup
	sender.Go(func() {
		send(w)
		_ = w.Close()
	})
	t.Cleanup(sender.Wait)
	cancel := func(err error) { _ = w.CloseWithError(err) }
	watchdog := time.AfterFunc(idle, func() { cancel(errIdle) })
	watchdog.Stop()
	return &body{ReadCloser: r, watchdog: watchdog, idle: idle, left: idle, cancel: cancel}
}

func TestTrickleIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := answer(t, time.Minute, func(w io.Writer) {
			for range 100 {
				time.Sleep(30 * time.Second)
				if _, err := w.Write([]byte{1}); err != nil {
					return
				}
			}
		})
		defer b.Close()
		if got, err := io.ReadAll(b); err != errIdle {
			t.Errorf("a server that sends a byte in half a minute is listened to: %d bytes, %v", len(got), err)
		}
	})
}

func TestSlowReaderIsNotCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const blocks = 5
		b := answer(t, time.Minute, func(w io.Writer) {
			for range blocks {
				time.Sleep(40 * time.Second)
				if _, err := w.Write(make([]byte, least)); err != nil {
					return
				}
			}
		})
		defer b.Close()
		block := make([]byte, least)
		for n := range blocks {
			time.Sleep(10 * time.Minute)
			if _, err := io.ReadFull(b, block); err != nil {
				t.Fatalf("block %d: %v", n, err)
			}
		}
	})
}
