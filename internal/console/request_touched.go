package console

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/souk-market/souk/internal/reqlog"
)

// touched is what a request read and wrote, each in words; Records are the ids of usage records that stand in the store by it.
type touched struct {
	Read, Wrote string
	Records     []string
}

// maxTouched bounds the ids that are listed: a BatchMeterUsage has 25 records at most.
const maxTouched = 25

// touchedBy tells what a request read and wrote. Operations do the one or the other by their rules, so that it follows from how far the request came and what was
// answered; nothing has to be recorded for it while the caller waits.
func touchedBy(v reqlog.View) touched {
	const nothing = "Nothing."
	operated := slices.ContainsFunc(v.Stages, func(s reqlog.StageView) bool { return s.Name == reqlog.Operating.String() })
	switch {
	case v.FaultEffect == "refuse" || v.FaultEffect == "cut":
		return touched{Read: nothing + " A fault rule acted first.", Wrote: nothing}
	case !operated:
		return touched{Read: nothing + " The request was answered before the marketplace was asked.", Wrote: nothing}
	}
	t := touched{Read: whatIsRead(v.Operation), Wrote: nothing}
	switch {
	case v.ErrorCode == "InternalServiceErrorException" || v.ErrorCode == "ServiceUnavailable":
		t.Wrote = "Nothing for certain. A store that fails at the last moment may have kept it: send it again, which does no harm."
	case v.ErrorCode == "DryRunOperation":
		t.Wrote = nothing + " The call had DryRun set."
	case v.ErrorCode != "":
		t.Wrote = nothing + " A call that is refused leaves nothing behind."
	case v.Operation == "ResolveCustomer":
		t.Wrote = "Of a single-use token, that it was redeemed. Of any other, nothing."
	case v.Operation == "RegisterUsage":
		t.Wrote = "That the workload runs, once for each session and hour."
	case v.Operation == "MeterUsage" || v.Operation == "BatchMeterUsage":
		t.records(v)
	}
	return t
}

// whatIsRead says what an operation that reaches the marketplace looks at.
func whatIsRead(operation string) string {
	return map[string]string{
		"ResolveCustomer": "The token itself, which has customer, license and product sealed in it, and the key that opens it.",
		"BatchMeterUsage": "The product and its dimensions, the customers’ agreements and licenses, and what was metered for the same hours.",
		"MeterUsage":      "The product and its dimensions, the agreements of the workload’s account, and what was metered for the same hour.",
		"RegisterUsage":   "The product, the agreements of the workload’s account, and the key that signs.",
		"GetEntitlements": "The product, and the entitlements of its agreements.",
	}[operation]
}

// records tells which usage records the answer names.
func (t *touched) records(v reqlog.View) {
	if isCBOR(v) {
		t.Wrote = "The usage records that the answer names, which is CBOR."
		return
	}
	var answer struct {
		MeteringRecordId string
		Results          []struct{ MeteringRecordId, Status string }
	}
	if json.Unmarshal([]byte(v.Response), &answer) != nil {
		t.Wrote = "The usage records that the answer names. It is too long to be kept whole."
		return
	}
	refused := 0
	if answer.MeteringRecordId != "" {
		t.Records = append(t.Records, plain(answer.MeteringRecordId))
	}
	for _, r := range answer.Results {
		switch {
		case r.Status != "Success":
			refused++
		case len(t.Records) < maxTouched:
			t.Records = append(t.Records, shortened(r.MeteringRecordId, 64))
		}
	}
	switch len(t.Records) {
	case 0:
		t.Wrote = "Nothing: no record was taken."
	default:
		t.Wrote = plural(len(t.Records), "usage record", "usage records") + ". What was stored before, as it is, stands once."
	}
	if refused > 0 && len(t.Records) > 0 {
		t.Wrote += " " + plural(refused, "record was", "records were") + " not taken."
	}
}

// stageRow is how long a stage of the request took.
type stageRow struct {
	Name, Duration string
	Share          string // of all, from 0 to 100, as a meter has it
}

// stageName is a stage in the words of the page.
func stageName(name string) string {
	words := map[string]string{
		reqlog.Receiving.String(): "Reading the request", reqlog.Waiting.String(): "Waiting for its turn", reqlog.Authenticating.String(): "Checking the signature",
		reqlog.Authorizing.String(): "Asking the policies", reqlog.Held.String(): "Held up by a fault rule", reqlog.Operating.String(): "Doing it",
		reqlog.Answering.String(): "Answering",
	}[name]
	if words == "" {
		return plain(name)
	}
	return words
}

func stagesOf(v reqlog.View) []stageRow {
	var all int64
	for _, s := range v.Stages {
		all += s.DurationNS
	}
	var rows []stageRow
	for _, s := range v.Stages {
		rows = append(rows, stageRow{stageName(s.Name), durationWords(s.DurationNS / 1000), strconv.FormatFloat(100*float64(s.DurationNS)/float64(all), 'f', 1, 64)})
	}
	return rows
}
