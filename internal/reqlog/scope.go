package reqlog

// Scope narrows what is shown to one account: the requests that it signed, and those about its products. The truth that callers are not told
// (Reason) is not in them; nor is what another account has sent, but that it came, when, and what came of it. Filters go by what is shown, so that
// nothing can be found out by what they find.
type Scope struct {
	Account string
	Sells   func(productCode string) bool // whether a product is the account's; it is called under the log's lock
}

// narrowed is r as the scope shows it, sharing r's memory; false if it does not. A nil scope shows all.
func (s *Scope) narrowed(r *Record) (Record, bool) {
	n := *r
	if s == nil {
		return n, true
	}
	signed, sold := s.Account != "" && r.Account == s.Account, r.ProductCode != "" && s.Sells(r.ProductCode)
	switch {
	case signed && sold:
		n.Reason = ""
	case signed: // what it sent is in its body; whose that is, is what it is not told
		n.Reason, n.ProductCode, n.Buyer, n.LicenseARN = "", "", "", ""
	case sold:
		n = Record{
			ID: r.ID, Seq: r.Seq, Time: r.Time, MarketTime: r.MarketTime, Duration: r.Duration, Method: r.Method, Target: "/", Protocol: r.Protocol,
			Service: r.Service, Operation: r.Operation, Attempt: r.Attempt, Region: r.Region, ProductCode: r.ProductCode, Status: r.Status,
			ErrorCode: r.ErrorCode,
		}
	default:
		return Record{}, false
	}
	return n, true
}
