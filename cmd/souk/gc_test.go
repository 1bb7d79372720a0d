package main

import "testing"

func TestGCPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 800, 5 << 20: 800, 32 << 20: 800, 40 << 20: 600, 100 << 20: 250, 256 << 20: 100, 10 << 30: 100} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MiB: %d %%, want %d", live>>20, got, want)
		}
		if total := live + live*uint64(gcPercent(live))/100; live < 256<<20 && total > live+garbage {
			t.Errorf("%d MiB alive may become %d", live>>20, total>>20)
		}
	}
}
