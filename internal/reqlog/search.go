package reqlog

import (
	"cmp"
	"strings"
)

// How many records one Search masks to look into them, and how many at a time.
const (
	SearchLook = 1000
	searchStep = 100
)

// Query narrows a search: beside what a Filter knows, by what only a masked record may be looked at for. So nothing can be found out about a secret by
// what a search finds.
type Query struct {
	Filter
	Text string // anywhere in the request as it is shown, in capitals or not
	Call string // invocation id of one call of an SDK, whose attempts share it
	Look int    // how many records to mask at most, for Text or Call; 0: SearchLook
}

// Found is what a search came to.
type Found struct {
	Views []View // newest first
	Next  uint64 // Filter.Before of the search for older ones; 0: there are none
	// Looked means that the search ended because it had looked at Query.Look records, not because it had found enough.
	Looked bool
}

// Search finds the newest records that match, f.Limit of them at most. It looks at a bounded number of records, and so takes a bounded time, however
// many are kept and however few match: where it stopped, the next search goes on.
func (l *Log) Search(q Query) (out Found) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	f, step := q.Filter, q.Limit+1 // one more tells whether there are more
	look := step
	if q.Text != "" || q.Call != "" {
		step, look = searchStep, cmp.Or(q.Look, SearchLook)
	}
	for seen := 0; seen < look; seen += step {
		f.Limit = step
		part := l.List(f)
		for i := range part {
			if !q.looksAlike(&part[i]) {
				continue
			}
			if len(out.Views) == q.Limit {
				out.Next = out.Views[q.Limit-1].Seq
				return out
			}
			out.Views = append(out.Views, part[i])
		}
		if len(part) < step {
			return out
		}
		f.Before = part[len(part)-1].Seq
	}
	out.Next, out.Looked = f.Before, true
	return out
}

// looksAlike is the part of the query that asks for what is shown.
func (q *Query) looksAlike(v *View) bool {
	return (q.Call == "" || q.Call == v.Invocation()) && (q.Text == "" || v.Mentions(q.Text))
}

// Match reports whether v passes the whole query but Before and Scope, as Search judges it: for what comes without having been searched.
func (q *Query) Match(v *View) bool {
	return (q.Operation == "" || q.Operation == v.Operation) &&
		(q.Outcome == "" || q.Outcome == v.Outcome || q.Outcome == "error" && v.Outcome != "ok") &&
		(q.Principal == "" || strings.Contains(v.Principal, q.Principal) || q.Principal == v.AccessKeyID) &&
		(q.Product == "" || q.Product == v.ProductCode) &&
		(q.Buyer == "" || q.Buyer == v.Buyer) &&
		(q.License == "" || strings.Contains(v.LicenseARN, q.License)) &&
		q.looksAlike(v)
}

// Invocation is the id that an SDK gives to a call and sends with each attempt at it; "" if there is none, or none that an SDK would make.
func (v *View) Invocation() string {
	const longest = 64 // a UUID is 36
	for _, h := range v.Headers {
		if strings.EqualFold(h.Name, "amz-sdk-invocation-id") && len(h.Value) <= longest {
			return h.Value
		}
	}
	return ""
}

// Mentions reports whether text, in capitals or not, stands anywhere in v: of bodies in what List shows of them, so that all who search agree.
func (v *View) Mentions(text string) bool {
	text = strings.ToLower(text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	for _, s := range []string{
		v.ID, v.Operation, v.Method, v.Target, v.Host, v.Remote, v.Principal, v.AccessKeyID, v.Account, v.Region, v.ProductCode, v.Buyer, v.LicenseARN,
		v.Outcome, v.ErrorMessage, v.Reason, v.Warning, v.FaultID, v.Body[:min(len(v.Body), listBody)], v.Response[:min(len(v.Response), listBody)],
	} {
		if has(s) {
			return true
		}
	}
	for _, h := range v.Headers {
		if has(h.Name + ": " + h.Value) {
			return true
		}
	}
	return v.Authz != nil && (has(v.Authz.Why) || has(v.Authz.Policy) || has(v.Authz.Sid))
}
