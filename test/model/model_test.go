// Package model holds Souk to a plain model of AWS Marketplace's rules: random sequences of purchases, endings, metering, resends, lost answers
// and moves of the clock run against the whole AWS face and against the model, and must agree on every answer and on the final ledger.
//
// The model is written from the facts (docs/divergences.md), not from the code. It keeps lists and looks through them.
package model

import (
	"fmt"
	"time"
)

const (
	seller, stranger = "111122223333", "444455556666"
	buyerA, buyerB   = "777788889999", "222233334444"

	legacyCode     = "legacyproductcode00000000" // pay as you go: calls, gb
	concurrentCode = "concurrentproduct00000000" // contract with consumption, one month a term: seats entitled, gb metered
	foreignCode    = "foreignproductcode0000000" // the stranger's
)

// agreement is one as the model sees it.
type agreement struct {
	id, product, buyer, license string
	preceding                   string
	start, end                  time.Time // end zero: none
	status                      string    // what it was ended as; ACTIVE while it was not
	suspended, autoRenew        bool
	seats                       int64
}

func (a *agreement) ended(now time.Time) bool { return !a.end.IsZero() && !now.Before(a.end) }

func (a *agreement) takesUsage(now time.Time) bool {
	return !a.suspended && !now.Before(a.start) && (a.end.IsZero() || now.Before(a.end.Add(time.Hour)))
}

// during reports whether a record of that time is of the agreement: to the second, for clients send no more, and until its final hour is over.
func (a *agreement) during(at time.Time) bool {
	return !at.Before(a.start.Truncate(time.Second)) && (a.end.IsZero() || !at.After(a.end.Add(time.Hour)))
}

// identity is what makes two usage records the same.
type identity struct {
	region, product, buyer, license, dimension, resource string
	hour                                                 int64
}

// kept is a record in the ledger.
type kept struct {
	quantity    int64
	allocations string
	id          string // "" while the only answer that told it was lost
}

type model struct {
	now        time.Time
	agreements []*agreement
	ledger     map[identity]*kept
	suspended  map[string]bool   // accounts
	customers  map[string]string // account by CustomerIdentifier
}

// record is one usage record of a request.
type record struct {
	at                           time.Time
	identifier, account, license string
	dimension                    string
	quantity                     int64
	allocations                  []int64 // quantities, each under a tag of its own; nil: none
	sameTags                     bool    // all of them under one tag
}

// request is a call of BatchMeterUsage.
type request struct {
	account string // who signs
	region  string
	product string // "": not sent
	records []record
}

// outcome is what is expected of one record.
type outcome struct {
	status string
	kept   *kept // nil: no record, no id
}

var metered = map[string]map[string]bool{legacyCode: {"calls": true, "gb": true}, concurrentCode: {"gb": true}, foreignCode: {"calls": true}}

var publisher = map[string]string{legacyCode: seller, concurrentCode: seller, foreignCode: stranger}

func (m *model) batch(q request) (code string, results []outcome) {
	if q.region == "us-gov-west-1" {
		return "DisabledApiException", nil
	}
	if q.product != "" && publisher[q.product] != q.account {
		return "InvalidProductCodeException", nil
	}
	var byIdentifier, byAccount bool
	for _, r := range q.records {
		if (r.identifier == "") == (r.account == "") {
			return "InvalidCustomerIdentifierException", nil
		}
		byIdentifier, byAccount = byIdentifier || r.identifier != "", byAccount || r.account != ""
	}
	if byIdentifier && byAccount {
		return "InvalidCustomerIdentifierException", nil
	}
	product := q.product
	type accepted struct {
		at         int
		who        identity
		quantity   int64
		allocation string
	}
	var keep []accepted
	for i, r := range q.records {
		buyer, code := m.customer(q, r, &product)
		if code != "" {
			return code, nil
		}
		if !metered[product][r.dimension] {
			return "InvalidUsageDimensionException", nil
		}
		if !m.inWindow(r.at, 24*time.Hour) {
			return "TimestampOutOfBoundsException", nil
		}
		subscribed, code := m.subscribed(r, product, buyer)
		if code != "" {
			return code, nil
		}
		if r.allocations != nil {
			var sum int64
			for _, n := range r.allocations {
				sum += n
			}
			if sum != r.quantity || r.sameTags && len(r.allocations) > 1 {
				return "InvalidUsageAllocationsException", nil
			}
		}
		results = append(results, outcome{status: "CustomerNotSubscribed"})
		if subscribed {
			who := identity{q.region, product, buyer, r.license, r.dimension, "", r.at.Unix() / 3600}
			keep = append(keep, accepted{i, who, r.quantity, fmt.Sprint(r.allocations)})
		}
	}
	for _, k := range keep { // nothing is kept before all is judged
		first, known := m.ledger[k.who]
		if !known {
			first = &kept{quantity: k.quantity, allocations: k.allocation}
			m.ledger[k.who] = first
		}
		results[k.at] = outcome{"Success", first}
		if first.quantity != k.quantity || first.allocations != k.allocation {
			results[k.at].status = "DuplicateRecord"
		}
	}
	return "", results
}

// customer finds the buyer of a record, and the one product of the call.
func (m *model) customer(q request, r record, product *string) (buyer, code string) {
	if r.license == "" {
		switch {
		case *product == "":
			return "", "InvalidProductCodeException"
		case *product == concurrentCode:
			return "", "InvalidLicenseException"
		case r.account != "":
			return r.account, ""
		case m.customers[r.identifier] == "":
			return "", "InvalidCustomerIdentifierException"
		}
		return m.customers[r.identifier], ""
	}
	if r.identifier != "" {
		return "", "InvalidCustomerIdentifierException"
	}
	a := m.byLicense(r.license)
	if a == nil || publisher[a.product] != q.account || a.buyer != r.account || *product != "" && *product != a.product {
		return "", "InvalidLicenseException"
	}
	*product = a.product
	return a.buyer, ""
}

func (m *model) byLicense(license string) *agreement {
	for _, a := range m.agreements {
		if a.license == license {
			return a
		}
	}
	return nil
}

func (m *model) inWindow(at time.Time, window time.Duration) bool {
	month := time.Date(m.now.Year(), m.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	closed := at.Before(month) && !m.now.Before(month.Add(6*time.Hour))
	return !at.After(m.now.Add(5*time.Minute)) && m.now.Sub(at) < window && !closed
}

func (m *model) subscribed(r record, product, buyer string) (yes bool, code string) {
	if m.suspended[buyer] {
		return false, ""
	}
	if r.license != "" {
		a := m.byLicense(r.license)
		switch {
		case m.now.Before(a.start):
			return false, "InvalidLicenseException"
		case !a.takesUsage(m.now):
			return false, ""
		case !a.during(r.at):
			return false, "InvalidLicenseException"
		}
		return true, ""
	}
	during := false
	for _, a := range m.agreements {
		if a.product == product && a.buyer == buyer {
			yes = yes || a.takesUsage(m.now)
			during = during || a.during(r.at)
		}
	}
	if yes && !during {
		return false, "TimestampOutOfBoundsException"
	}
	return yes, ""
}

// meterUsage is a call by a task of the buyer's.
func (m *model) meterUsage(buyer, task string, r record, dryRun bool) (code string, k *kept) {
	hour := r.at.Truncate(time.Hour)
	yes, during := false, false
	for _, a := range m.agreements {
		if a.product == legacyCode && a.buyer == buyer {
			yes = yes || a.takesUsage(m.now)
			// The time is rounded down to the hour: any moment of that may be the one that was metered.
			during = during || a.during(hour) || a.during(hour.Add(time.Hour-time.Millisecond))
		}
	}
	switch {
	case m.suspended[buyer] && dryRun:
		return "UnauthorizedException", nil
	case m.suspended[buyer]:
		return "AccessDeniedException", nil
	case !yes:
		return "CustomerNotEntitledException", nil
	case !metered[legacyCode][r.dimension]:
		return "InvalidUsageDimensionException", nil
	case !m.inWindow(r.at, 6*time.Hour) || !during:
		return "TimestampOutOfBoundsException", nil
	case dryRun:
		return "DryRunOperation", nil
	}
	who := identity{"us-east-1", legacyCode, buyer, "", r.dimension, "Task/" + task, hour.Unix() / 3600}
	first, known := m.ledger[who]
	if !known {
		first = &kept{quantity: r.quantity, allocations: fmt.Sprint([]int64(nil))}
		m.ledger[who] = first
	}
	if first.quantity != r.quantity {
		return "DuplicateRequestException", nil
	}
	return "", first
}

// entitled are the seats that a buyer has, by license.
func (m *model) entitled(buyer string) map[string]int64 {
	seats := map[string]int64{}
	for _, a := range m.agreements {
		if a.product == concurrentCode && a.buyer == buyer && !m.suspended[buyer] && !a.suspended && !m.now.Before(a.start) && !a.ended(m.now) {
			seats[a.license] = a.seats
		}
	}
	return seats
}

// legacyRunning is the one agreement of the legacy product that a buyer can have.
func (m *model) legacyRunning(buyer string) *agreement {
	for _, a := range m.agreements {
		if a.product == legacyCode && a.buyer == buyer && !a.ended(m.now) {
			return a
		}
	}
	return nil
}

// settle moves the clock, and lets fall due what does: contracts end, and those that renew themselves are renewed, one after the other.
func (m *model) settle(to time.Time) {
	m.now = to
	for i := 0; i < len(m.agreements); i++ { // renewals are looked at in their turn
		a := m.agreements[i]
		if a.status != "ACTIVE" || !a.ended(to) {
			continue
		}
		a.status = "EXPIRED"
		if a.autoRenew && !a.suspended && !m.suspended[a.buyer] {
			a.status = "RENEWED"
			next := *a
			next.id, next.license, next.preceding, next.status = "", "", a.id, "ACTIVE"
			next.start, next.end, next.suspended = a.end, monthLater(a.end), false
			if a.id == "" {
				next.preceding = fmt.Sprint("?", i)
			}
			m.agreements = append(m.agreements, &next)
		}
	}
}

// monthLater is the same day of the next month, or that month's last.
func monthLater(t time.Time) time.Time {
	next := t.AddDate(0, 1, 0)
	if next.Day() != t.Day() {
		return next.AddDate(0, 0, -next.Day())
	}
	return next
}
