package console

import (
	"fmt"
	"testing"
	"time"
)

// However many addresses there are, little is remembered; those of one network are one.
func TestAttemptsAreForgotten(t *testing.T) {
	t.Parallel()
	var a attempts
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for i := range 3 * attemptsKept {
		if !a.take(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), now.Add(time.Duration(i)*time.Millisecond)) {
			t.Fatalf("address %d may not try once", i)
		}
		if len(a.of) > attemptsKept {
			t.Fatalf("%d addresses are remembered", len(a.of))
		}
	}
	spent := func(at string) bool {
		for a.take(at, now) {
		}
		return !a.take(at, now)
	}
	for one, same := range map[string]string{"[2001:db8::1]:1": "[2001:db8::ffff:1]:2", "192.0.2.1:1": "[::ffff:192.0.2.1]:9", "@": "", "[fe80::1%eth0]:1": "[fe80::2%eth1]:1"} {
		if spent(one); a.take(same, now) {
			t.Errorf("%s tries on as %s", one, same)
		}
		if a.forget(same); !a.take(one, now) {
			t.Errorf("%s is not forgotten by %s", one, same)
		}
	}
	for _, other := range []string{"[2001:db8:0:1::1]:1", "192.0.2.2:1"} {
		if !a.take(other, now) {
			t.Errorf("%s pays for others", other)
		}
	}
	spent("192.0.2.9:1")
	if a.take("192.0.2.9:1", now.Add(attemptsSpan-1)) || !a.take("192.0.2.9:1", now.Add(attemptsSpan)) {
		t.Error("a minute is not a minute")
	}
	spent("192.0.2.10:1")
	if !a.take("192.0.2.10:1", now.Add(-time.Hour)) {
		t.Error("a clock that was set back locks addresses out")
	}
}
