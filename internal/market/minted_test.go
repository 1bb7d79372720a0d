package market

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMintLogKeepsTheNewest(t *testing.T) {
	var l mintLog
	if got := l.of("a"); got != nil {
		t.Errorf("an empty one has %v", got)
	}
	begin := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	token := func(i int) Minted {
		return Minted{AgreementID: fmt.Sprint(i % 500), At: begin.Add(time.Duration(i) * time.Second), ExpiresAt: begin.Add(time.Duration(i) * time.Hour)}
	}
	const minted = 2*maxMinted + 700
	for i := range minted {
		l.note(token(i))
	}
	// 1,700 up to 2,699 are left, and of "3" every 500th.
	if diff := cmp.Diff([]Minted{token(2003), token(2503)}, l.of("3")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Minted{token(1700), token(2200)}, l.of("200")); diff != "" {
		t.Errorf("the oldest (-want +got):\n%s", diff)
	}
	if len(l.ring) != maxMinted {
		t.Errorf("%d are kept", len(l.ring))
	}
}
