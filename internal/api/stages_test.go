package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
)

// told are the stages of a record, each with its time; their sum has to be what the request took.
func told(t *testing.T, v reqlog.View) (names string, took map[string]time.Duration) {
	t.Helper()
	var list []string
	var sum time.Duration
	took = map[string]time.Duration{}
	for _, s := range v.Stages {
		list = append(list, s.Name)
		took[s.Name] = time.Duration(s.DurationNS)
		sum += time.Duration(s.DurationNS)
	}
	if sum.Microseconds() != v.DurationUS {
		t.Errorf("the stages took %v, the request %d µs", sum, v.DurationUS)
	}
	return strings.Join(list, " "), took
}

// A record tells where the time of its request went: of each stage that it came to, and of no other.
func TestStages(t *testing.T) {
	s := bounded(t, 100*time.Millisecond)
	p := s.buy(legacyCode)
	in := m{"RegistrationToken": p.Token}
	names, _ := told(t, s.recordOf(s.call(awsproto.JSON11, "ResolveCustomer", in, sellerKey, "us-east-1")))
	if names != "receive authenticate authorize operate answer" {
		t.Errorf("an answered call: %s", names)
	}
	wrong := sigv4.Key{AccessKeyID: sellerKey.AccessKeyID, Secret: "wrong"}
	if names, _ := told(t, s.recordOf(s.call(awsproto.JSON11, "ResolveCustomer", in, wrong, "us-east-1"))); names != "receive authenticate answer" {
		t.Errorf("a call with a wrong signature: %s", names)
	}
	release := s.occupy("ResolveCustomer")
	names, took := told(t, s.recordOf(s.call(awsproto.JSON11, "ResolveCustomer", in, sellerKey, "us-east-1")))
	release()
	if names != "receive wait answer" || took["wait"] < 90*time.Millisecond {
		t.Errorf("a call that waited in vain: %s, %v", names, took)
	}
	if _, err := s.Faults.Add(fault.Rule{Delay: 30 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	names, took = told(t, s.recordOf(s.call(awsproto.JSON11, "ResolveCustomer", in, sellerKey, "us-east-1")))
	if names != "receive authenticate authorize fault operate answer" || took["fault"] < 30*time.Millisecond || slices.Max([]time.Duration{took["operate"], took["authorize"]}) > 25*time.Millisecond {
		t.Errorf("a call that a fault rule held up: %s, %v", names, took)
	}
}
