package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/reqlog"
)

// timeline is what happened to an agreement, in the order in which it did.
type timeline struct {
	Happenings []happening
	More       string // address of what came later; "" if this is all
	First      string // address of the beginning; "" on it
	Requests   bool   // there is a log of requests that tokens which were resolved are known from
	Coming     []happening
}

type happening struct {
	at     time.Time
	Time   moment
	What   string
	Tone   string // class of the style sheet
	Detail string
	Path   string // of the request that it was; "" for what the market did
}

const (
	// timelinePage is how many lines of history stand on a page.
	timelinePage = 100
	// maxResolutions is how many of the newest resolutions of an agreement's tokens are shown, and of the tokens minted for it.
	maxResolutions = 200
)

// timelineOf puts the agreement's history, the tokens that were minted for it and the requests that resolved them in one line.
func (c *Console) timelineOf(r *http.Request, g *agreementState) (t timeline, err error) {
	var after int64
	if text := r.URL.Query().Get("after"); text != "" {
		if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 1 {
			return t, &httpError{http.StatusUnprocessableEntity, "The address names no place in the agreement’s history. Go back to its beginning."}
		}
		t.First = agreementPath(g.ID) + "#timeline"
	}
	events, err := c.service.Events(r.Context(), callerIn(r.Context()), market.EventFilter{AgreementID: g.ID, After: after, Limit: timelinePage + 1})
	if err != nil {
		return t, err
	}
	if after > 0 && len(events) == 0 { // what is not of the history hangs on to it
		return t, nil
	}
	var from, to time.Time // that this page is about; zero: no bound
	if after > 0 {
		from = events[0].At
	}
	if len(events) > timelinePage {
		to = events[timelinePage].At
		events = events[:timelinePage]
		t.More = g.withQuery("after", strconv.FormatInt(events[timelinePage-1].Seq, 10)) + "#timeline"
	} else {
		t.Coming = g.coming()
	}
	for _, e := range events {
		words := eventWords(e.Kind)
		t.Happenings = append(t.Happenings, happening{at: e.At, Time: momentOf(e.At), What: words.Text, Tone: words.Tone, Detail: sentence(e.Detail)})
	}
	here := func(at time.Time) bool { return !at.Before(from) && (to.IsZero() || at.Before(to)) }
	minted, err := c.service.MintedTokens(r.Context(), callerIn(r.Context()), g.ID)
	if err != nil {
		return t, err
	}
	for _, m := range minted[max(len(minted)-maxResolutions, 0):] {
		if here(m.At) {
			t.Happenings = append(t.Happenings, mintedToken(m))
		}
	}
	if scope, err := c.logScope(r.Context()); c.log != nil && err == nil {
		t.Requests = true
		filter := reqlog.Filter{Product: g.ProductCode, License: g.LicenseARN, Operation: "ResolveCustomer", Limit: maxResolutions, Scope: scope}
		for _, v := range slices.Backward(c.log.List(filter)) {
			if v.LicenseARN == g.LicenseARN && here(v.MarketTime) {
				t.Happenings = append(t.Happenings, resolvedToken(v))
			}
		}
	}
	slices.SortStableFunc(t.Happenings, func(a, b happening) int { return cmp.Compare(a.at.UnixMilli(), b.at.UnixMilli()) })
	return t, nil
}

func mintedToken(m market.Minted) happening {
	h := happening{at: m.At, Time: momentOf(m.At), What: "Token minted", Tone: "call", Detail: "Good until " + momentOf(m.ExpiresAt).Text + "."}
	if m.SingleUse {
		h.Detail = "Good for one use, until " + momentOf(m.ExpiresAt).Text + "."
	}
	return h
}

func resolvedToken(v reqlog.View) happening {
	h := happening{
		at: v.MarketTime, Time: momentOf(v.MarketTime), What: "Token resolved", Tone: "call", Detail: "By " + plain(v.Principal) + ".", Path: requestPath(v.ID),
	}
	if v.Outcome != "ok" {
		h.What, h.Tone, h.Detail = "Token not resolved", "bad", sentence(strings.TrimSpace(v.Outcome+" "+v.Reason))
	}
	return h
}

// coming is what will happen by itself, if nobody does anything.
func (g *agreementState) coming() (list []happening) {
	add := func(at time.Time, what string) {
		list = append(list, happening{Time: momentOf(at), What: what})
	}
	if g.Status != market.Active {
		if over := g.EndAt.Add(market.FinalHourLength); finalHourOf(&g.Agreement, g.now) != nil {
			add(over, "The final hour is over, and no more usage is taken")
		}
		return list
	}
	if g.StartAt.After(g.now) {
		add(g.StartAt, "Starts")
	}
	switch {
	case g.EndAt.IsZero():
	case g.renewed():
		add(g.EndAt, "Ends, and its renewal starts")
	case g.AutoRenew:
		add(g.EndAt, "Renews itself")
	default:
		add(g.EndAt, "Ends; the final hour begins")
	}
	return list
}

// eventWords are a line of history, for people.
func eventWords(k market.EventKind) status {
	switch k {
	case market.EventAccepted:
		return status{"Purchased", ""}
	case market.EventStarted:
		return status{"Started", "good"}
	case market.EventAmended:
		return status{"Changed", ""}
	case market.EventRenewed:
		return status{"Renewed", "ended"}
	case market.EventReplaced:
		return status{"Replaced", "ended"}
	case market.EventCancelled:
		return status{"Cancelled by the buyer; the final hour begins", "ended"}
	case market.EventExpired:
		return status{"Expired; the final hour begins", "ended"}
	case market.EventTerminated:
		return status{"Terminated by the seller; the final hour begins", "ended"}
	case market.EventSuspended:
		return status{"Suspended", "bad"}
	case market.EventReinstated:
		return status{"Reinstated", "good"}
	case market.EventClosedDown:
		return status{"Closed down: the final hour is over", "ended"}
	}
	return status{plain(string(k)), ""}
}
