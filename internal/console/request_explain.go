package console

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
)

// remedy is the rule behind an error in plain words, and the way to mend it.
type remedy struct {
	// when narrows the remedy to calls whose reason or message holds one of these; nil is for all that no other remedy of the code fits.
	when []string
	what string
	mend []mendStep
}

// mendStep is one step of mending. Braces in the command stand for what is known of the call: {product}, {buyer}, {license}, {account}, {role},
// {operation}, {region}, {fault}, {agreement}.
type mendStep struct{ text, command string }

// explained is a remedy filled in for one call, as the page shows it.
type explained struct {
	Code string // the error it is about; "" for a warning or the status of a record
	What string
	Mend []mending
}

type mending struct{ Text, Command string }

// explain says of a request what went wrong and how it is mended, most important first: a fault rule that made the error up, the error itself, what
// the records of an answered BatchMeterUsage came to.
func explain(v reqlog.View, agreement string) []explained {
	var list []explained
	fill := commandFiller(v, agreement)
	if v.FaultID != "" {
		list = append(list, faultRemedy(v.FaultEffect).fill("", fill))
	}
	if v.ErrorCode != "" {
		list = append(list, remedyOf(v).fill(v.ErrorCode, fill))
	}
	for _, status := range recordStatuses(v) {
		if r, ok := statusRemedies[status]; ok {
			list = append(list, r.fill(status, fill))
		}
	}
	if v.Warning != "" {
		list = append(list, warningRemedy(v.Warning).fill("", fill))
	}
	return list
}

// remedyOf finds what fits the error best. For a code that nobody has explained it is what can be said of any.
func remedyOf(v reqlog.View) remedy {
	about := strings.ToLower(v.Reason + "\n" + v.ErrorMessage)
	if v.Authz != nil {
		about += "\n" + strings.ToLower(v.Authz.Why)
	}
	list := slices.Concat(marketRemedies[v.ErrorCode], commonRemedies[v.ErrorCode])
	for _, r := range list {
		for _, part := range r.when {
			if strings.Contains(about, part) {
				return r
			}
		}
	}
	for _, r := range list {
		if r.when == nil {
			return r
		}
	}
	return remedy{what: "The call was refused with an error that Souk has no further words for.", mend: []mendStep{
		{"The message and the reason on this page are all that is known. The server’s log has the request under its id.", ""},
	}}
}

func (r remedy) fill(code string, fill *strings.Replacer) explained {
	e := explained{Code: plain(code), What: r.what}
	for _, m := range r.mend {
		e.Mend = append(e.Mend, mending{fill.Replace(m.text), fill.Replace(m.command)})
	}
	return e
}

// commandFiller puts what is known of the call into commands, quoted for a shell, and a word in capitals where nothing is known.
func commandFiller(v reqlog.View, agreement string) *strings.Replacer {
	word := func(s, placeholder string) string {
		if s == "" {
			return placeholder
		}
		return shellWord(shortened(s, 256))
	}
	return strings.NewReplacer(
		"{product}", word(v.ProductCode, "CODE"), "{buyer}", word(v.Buyer, "ACCOUNT"), "{license}", word(v.LicenseARN, "LICENSE_ARN"),
		"{account}", word(v.Account, "ACCOUNT"), "{role}", word(roleOf(v.Principal), "ROLE_ARN"), "{operation}", word(v.Operation, "OPERATION"),
		"{region}", word(v.Region, "us-east-1"), "{fault}", word(v.FaultID, "ID"), "{agreement}", word(agreement, "AGREEMENT_ID"),
	)
}

// roleOf is the role behind the ARN of a session, which is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION; "" for any other ARN.
func roleOf(arn string) string {
	role, _ := replay.SessionOf(arn)
	return role
}

// recordStatuses are what an answered BatchMeterUsage says of its records beside Success, each once.
func recordStatuses(v reqlog.View) []string {
	if v.Operation != "BatchMeterUsage" || v.Outcome != "ok" && v.FaultEffect != "lose" {
		return nil
	}
	var answer struct {
		Results            []struct{ Status string }
		UnprocessedRecords []json.RawMessage
	}
	if json.Unmarshal([]byte(v.Response), &answer) != nil { // another protocol, or cut: nothing is said rather than something wrong
		return nil
	}
	var list []string
	for _, r := range answer.Results {
		if r.Status != "" && r.Status != "Success" && !slices.Contains(list, r.Status) {
			list = append(list, r.Status)
		}
	}
	if len(answer.UnprocessedRecords) > 0 {
		list = append(list, unprocessedRecords)
	}
	return list
}
