package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/souk-market/souk/internal/market"
)

var concurrencyTests = []test{
	{"Updates that count up one setting lose no count", func(t *testing.T, s market.Store) {
		const goroutines, rounds = 32, 10
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				for range rounds {
					if err := s.Update(t.Context(), func(tx market.Tx) error { return add(tx, "n", 1) }); err != nil {
						t.Errorf("Update: %v", err)
					}
				}
			})
		}
		wg.Wait()
		mustFind(t, s, strconv.Itoa(goroutines*rounds), setting("n"))
	}},
	{"of two Updates at once one sees the other's effect whole", func(t *testing.T, s market.Store) {
		// Write skew: each takes from one of two settings, and only while both together have enough. Under mere
		// snapshots both can succeed.
		for round := range 20 {
			x, y := fmt.Sprint("x", round), fmt.Sprint("y", round)
			update(t, s, func(tx market.Tx) error {
				return errors.Join(tx.PutSetting(x, "1"), tx.PutSetting(y, "1"))
			})
			var wg sync.WaitGroup
			for _, from := range []string{x, y} {
				wg.Go(func() {
					err := s.Update(t.Context(), func(tx market.Tx) error {
						a, err := number(tx, x)
						if err != nil {
							return err
						}
						b, err := number(tx, y)
						if err != nil || a+b < 2 {
							return err
						}
						return add(tx, from, -1)
					})
					if err != nil {
						t.Errorf("Update: %v", err)
					}
				})
			}
			wg.Wait()
			var sum int
			view(t, s, func(tx market.Tx) error {
				a, err := number(tx, x)
				if err != nil {
					return err
				}
				b, err := number(tx, y)
				sum = a + b
				return err
			})
			if sum != 1 {
				t.Fatalf("round %d: %d are left of 2, want 1", round, sum)
			}
		}
	}},
	{"a View never sees half of an Update", func(t *testing.T, s market.Store) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		both := func(tx market.Tx, v int) error {
			if err := tx.PutSetting("left", strconv.Itoa(v)); err != nil {
				return err
			}
			if err := tx.PutAgreement(market.Agreement{ID: fmt.Sprint("agmt-", v), LicenseARN: fmt.Sprint(v)}); err != nil {
				return err
			}
			return tx.PutSetting("right", strconv.Itoa(v))
		}
		update(t, s, func(tx market.Tx) error { return both(tx, 1) })
		var readers, views sync.WaitGroup
		for range 4 {
			views.Add(20)
			readers.Go(func() {
				last := 0
				for i := 0; i < 20 || ctx.Err() == nil; i++ {
					var left, right, rows, again int
					err := s.View(context.Background(), func(tx market.Tx) (err error) {
						if left, err = number(tx, "left"); err != nil {
							return err
						}
						list, err := tx.Agreements(market.AgreementFilter{})
						if err != nil {
							return err
						}
						rows = len(list)
						if right, err = number(tx, "right"); err != nil {
							return err
						}
						again, err = number(tx, "left")
						return err
					})
					if err != nil {
						t.Errorf("View: %v", err)
					}
					if left != right || left != rows || left != again {
						t.Errorf("a View saw left %d, %d agreements, right %d, left again %d", left, rows, right, again)
					}
					if left < last {
						t.Errorf("a View saw %d after one before it had seen %d", left, last)
					}
					last = left
					if i < 20 {
						views.Done()
					}
				}
			})
		}
		for i := 2; i < 100; i++ {
			update(t, s, func(tx market.Tx) error { return both(tx, i) })
			if err := s.Update(t.Context(), func(tx market.Tx) error { // and what is undone is never seen
				if err := tx.PutSetting("left", "-1"); err != nil {
					return err
				}
				return errMade
			}); err != errMade {
				t.Errorf("Update: %v", err)
			}
		}
		views.Wait() // each has looked, however quick the writer was
		stop()
		readers.Wait()
	}},
	{"a View sees every Update that returned before it began", func(t *testing.T, s market.Store) {
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				name := fmt.Sprint("own ", g)
				for i := range 10 {
					want := strconv.Itoa(i)
					if err := s.Update(t.Context(), func(tx market.Tx) error { return tx.PutSetting(name, want) }); err != nil {
						t.Errorf("Update: %v", err)
					}
					if got, _ := find(t, s, setting(name)); got != want {
						t.Errorf("a View saw %q, want %q", got, want)
					}
				}
			})
		}
		wg.Wait()
	}},
	{"errors and panics beside it do not touch an Update", func(t *testing.T, s market.Store) {
		var wg sync.WaitGroup
		for g := range 48 {
			wg.Go(func() {
				defer func() {
					if p := recover(); (p != nil) != (g%3 == 2) {
						t.Errorf("goroutine %d recovered %v", g, p)
					}
				}()
				err := s.Update(t.Context(), func(tx market.Tx) error {
					if err := tx.PutSetting(fmt.Sprint("by ", g), "done"); err != nil {
						return err
					}
					switch g % 3 {
					case 1:
						return errMade
					case 2:
						panic(errMade)
					}
					return add(tx, "sum", 1)
				})
				if g%3 == 0 && err != nil || g%3 == 1 && err != errMade {
					t.Errorf("goroutine %d: %v", g, err)
				}
			})
		}
		wg.Wait()
		mustFind(t, s, "16", setting("sum"))
		for g := range 48 {
			if _, ok := find(t, s, setting(fmt.Sprint("by ", g))); ok != (g%3 == 0) {
				t.Errorf("write of goroutine %d: there is %v", g, ok)
			}
		}
	}},
}

// number is a setting as a number; 0 if it is not there.
func number(tx market.Tx, name string) (int, error) {
	v, ok, err := tx.Setting(name)
	if err != nil || !ok {
		return 0, err
	}
	return strconv.Atoi(v)
}

func add(tx market.Tx, name string, d int) error {
	n, err := number(tx, name)
	if err != nil {
		return err
	}
	return tx.PutSetting(name, strconv.Itoa(n+d))
}
