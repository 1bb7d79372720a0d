package tryit

import (
	"fmt"
	"slices"
	"time"
)

// Level is how good or bad a finding is.
type Level string

const (
	Good    Level = "good"
	Warning Level = "warning" // it works, and may not everywhere
	Bad     Level = "bad"
)

// Verdict is one finding, in plain words, with what to look at.
type Verdict struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

// slow is from when on a buyer is taken to have gone away.
const slow = 10 * time.Second

// findings are what verdicts are made of.
type findings struct {
	hops    []Hop
	calls   []Call
	failure error // why there is no last answer; nil if there is one
	watched bool  // calls are what came in; without it, nobody looked
	took    time.Duration
}

// judge says what the findings mean, the worst first.
func judge(f findings) (list []Verdict) {
	levels := []Level{Bad, Warning, Good}
	say := func(l Level, format string, args ...any) {
		list = append(list, Verdict{l, fmt.Sprintf(format, args...)})
	}
	if len(f.hops) == 0 {
		say(Bad, "Nothing could be posted to the registration URL: it is no http or https address.")
		return list
	}
	last := f.hops[len(f.hops)-1]
	answered := f.failure == nil
	switch {
	case !answered:
		say(Bad, "%s", noAnswer(f.failure, last))
	case last.Status >= 400:
		say(Bad, "%s", refused(last))
	case last.redirection:
		say(Bad, "The page redirects to an address that cannot be read, so the buyer’s browser shows an empty page.")
	case last.Status < 200 || last.Status > 299:
		say(Bad, "The page answered %d, of which a browser shows nothing.", last.Status)
	default:
		say(Good, "The page answered %d.", last.Status)
	}
	if f.took > slow {
		say(Bad, "It took %.0f seconds. Buyers do not wait that long: answer first, and do the slow work afterwards.", f.took.Seconds())
	}
	list = append(list, resolved(f, answered && last.Status < 400)...)
	list = append(list, wayside(f.hops)...)
	slices.SortStableFunc(list, func(a, b Verdict) int { return slices.Index(levels, a.Level) - slices.Index(levels, b.Level) })
	return list
}

// resolved are the verdicts about ResolveCustomer.
func resolved(f findings, well bool) (list []Verdict) {
	if !f.watched {
		return nil
	}
	ok, failed := false, map[string]bool{}
	for _, c := range f.calls {
		if c.Outcome == "ok" {
			ok = true
			continue
		}
		if !failed[c.Outcome] {
			list = append(list, Verdict{Bad, fmt.Sprintf("A call of ResolveCustomer came in and was refused: %s. Its request says why, and how to mend it.", c.Outcome)})
		}
		failed[c.Outcome] = true
	}
	switch first := f.hops[0]; {
	case ok:
		for i := range list {
			list[i].Level = Warning // it was tried again, and went well
		}
		list = append(list, Verdict{Good, "Your page called ResolveCustomer with this token, and was told who the buyer is."})
	case len(list) > 0 || first.Status == 0:
	case well && first.redirection && first.Status <= 303:
		list = append(list, Verdict{Bad, fmt.Sprintf("The first answer was a redirect (%d), after which a browser comes back with GET and without the form, and nothing called ResolveCustomer: the token was lost. "+
			"If the redirect only adds a slash or goes to https, make the address it leads to the registration URL; otherwise resolve the token before you redirect.", first.Status)})
	case well:
		list = append(list, Verdict{Bad, "The page answered without calling ResolveCustomer here. Take the field x-amzn-marketplace-token from the form and resolve it at once, before you answer. " +
			"If your page did call it, the call went elsewhere: look at the endpoint that its AWS SDK is given."})
	default:
		list = append(list, Verdict{Warning, "No call of ResolveCustomer came in."})
	}
	return list
}

// wayside are the verdicts about the way rather than its end.
func wayside(hops []Hop) (list []Verdict) {
	said := map[string]bool{}
	say := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !said[text] {
			said[text] = true
			list = append(list, Verdict{Warning, text})
		}
	}
	for i, h := range hops {
		if h.tokenInURL {
			say("The token stands in the address of a redirect. Tokens do not belong into addresses: those end up in logs, in the browser’s history and in Referer headers. Resolve it first, and keep what you learned in a session.")
		}
		if h.strict != "" && i < len(hops)-1 {
			say("The cookie %s is SameSite=Strict. The buyer comes from another site, so a browser does not send it with the redirect that follows: make it Lax.", h.strict)
		}
		if !h.encrypted && !h.local {
			say("The form or a page after it goes to %s without encryption. Sellers’ pages at AWS are https.", h.host)
		}
		if i > 0 && h.Method == "POST" && h.host != hops[i-1].host {
			say("The redirect made the browser post the form, token and all, to another host: %s.", h.host)
		}
	}
	return list
}
