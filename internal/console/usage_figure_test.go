package console

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// take asks for a figure and takes what is there after so long.
func take(t *testing.T, fs *figures, key string, wait time.Duration, compute func(context.Context) (any, error)) (int, age, error) {
	t.Helper()
	p := fs.ask(t.Context(), key, compute)
	return figureOf[int](t.Context(), fs, p, time.After(wait))
}

// long is longer than a test's figure takes on any machine.
const long = 30 * time.Second

func TestFiguresThatAreQuickAreMadeForEveryPage(t *testing.T) {
	var fs figures
	for i := 1; i <= 3; i++ {
		n, old, err := take(t, &fs, "n", long, func(context.Context) (any, error) { return i, nil })
		// On a machine so busy that this took longer than a page waits, what is there is of the time before, and says so.
		if err != nil || n != i && old.Ago == "" {
			t.Errorf("round %d: %d, %+v, %v", i, n, old, err)
		}
	}
}

func TestFiguresThatTakeLongAreNotWaitedFor(t *testing.T) {
	var fs figures
	gate, made := make(chan struct{}), 0
	slow := func(context.Context) (any, error) {
		made++ // one at a time
		<-gate
		return 7, nil
	}
	for range 3 {
		if _, old, err := take(t, &fs, "slow", time.Millisecond, slow); err != nil || !old.Missing {
			t.Fatalf("before it is there: %+v, %v", old, err)
		}
	}
	time.Sleep(2 * DefaultPatience)
	close(gate)
	n, old, err := take(t, &fs, "slow", long, slow)
	if err != nil || n != 7 || old.Ago == "" {
		t.Fatalf("when it is there: %d, %+v, %v", n, old, err)
	}
	began := time.Now()
	for range 100 {
		if n, old, err := take(t, &fs, "slow", long, slow); err != nil || n != 7 || old.Ago == "" {
			t.Fatalf("while it rests: %d, %+v, %v", n, old, err)
		}
	}
	if took := time.Since(began); took < DefaultPatience && made != 1 {
		t.Errorf("it was made %d times", made)
	}
}

func TestFiguresThatFailAreTriedAgain(t *testing.T) {
	var fs figures
	failure := errors.New("no disk")
	if _, _, err := take(t, &fs, "n", long, func(context.Context) (any, error) { return nil, failure }); !errors.Is(err, failure) {
		t.Errorf("a failure: %v", err)
	}
	if _, _, err := take(t, &fs, "n", long, func(context.Context) (any, error) { panic("no disk") }); err == nil || err.Error() != "console: make figure: panic: no disk" {
		t.Errorf("a panic: %v", err)
	}
	if _, old, err := take(t, &fs, "n", long, func(context.Context) (any, error) { return nil, context.DeadlineExceeded }); err != nil || !old.Missing {
		t.Errorf("one that took too long: %+v, %v", old, err)
	}
	if n, _, err := take(t, &fs, "n", long, func(context.Context) (any, error) { return 3, nil }); n != 3 || err != nil {
		t.Errorf("after that: %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gate := make(chan struct{})
	defer close(gate)
	p := fs.ask(t.Context(), "slow", func(context.Context) (any, error) { <-gate; return 1, nil })
	if _, _, err := figureOf[int](ctx, &fs, p, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("for one who has left: %v", err)
	}
}

// What was begun before everything changed is not shown afterwards, whenever it ends.
func TestFiguresAreForgotten(t *testing.T) {
	var fs figures
	gate := make(chan struct{})
	fs.ask(t.Context(), "n", func(context.Context) (any, error) { <-gate; return 1, nil })
	if n, _, err := take(t, &fs, "old", long, func(context.Context) (any, error) { return 1, nil }); n != 1 || err != nil {
		t.Fatalf("before: %d, %v", n, err)
	}
	fs.forget()
	close(gate)
	for _, key := range []string{"n", "old"} {
		if n, old, err := take(t, &fs, key, long, func(context.Context) (any, error) { return 2, nil }); n != 2 || old.Ago != "" || err != nil {
			t.Errorf("%s: %d, %+v, %v", key, n, old, err)
		}
	}
}

func TestFiguresAreBounded(t *testing.T) {
	var fs figures
	gate := make(chan struct{})
	for i := range 3 * maxMaking {
		fs.ask(t.Context(), fmt.Sprint(i), func(context.Context) (any, error) { <-gate; return i, nil })
	}
	fs.mu.Lock()
	kept, running := len(fs.kept), fs.running
	fs.mu.Unlock()
	if kept != maxFigures || running != maxMaking {
		t.Errorf("%d are kept and %d made, want %d and %d", kept, running, maxFigures, maxMaking)
	}
	close(gate)
	for range 1000 {
		fs.mu.Lock()
		running = fs.running
		fs.mu.Unlock()
		if running == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d are being made still", running)
}
