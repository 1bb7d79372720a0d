package console

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/reqlog"
)

func TestTouchedBy(t *testing.T) {
	operated := []reqlog.StageView{{Name: "receive", DurationNS: 1}, {Name: "operate", DurationNS: 1}}
	view := func(operation, code, response string) reqlog.View {
		return reqlog.View{Operation: operation, ErrorCode: code, Response: response, Stages: operated}
	}
	held := view("MeterUsage", "ThrottlingException", "")
	held.FaultEffect = "refuse"
	lost := view("MeterUsage", "", `{"MeteringRecordId":"id-1"}`)
	lost.FaultEffect = "lose"
	cbor := view("MeterUsage", "", "a1ff")
	cbor.Protocol = "rpcv2Cbor"
	for name, tc := range map[string]struct {
		view        reqlog.View
		read, wrote string
		records     string
	}{
		"resolve":       {view("ResolveCustomer", "", "{}"), "The token itself", "Of a single-use token", ""},
		"refused token": {view("ResolveCustomer", "InvalidTokenException", "{}"), "The token itself", "Nothing. A call that is refused", ""},
		"not so far":    {reqlog.View{Operation: "ResolveCustomer", ErrorCode: "InvalidSignatureException"}, "answered before the marketplace", "Nothing.", ""},
		"fault":         {held, "A fault rule acted first", "Nothing.", ""},
		"lost":          {lost, "agreements of the workload", "1 usage record.", "id-1"},
		"dry run":       {view("MeterUsage", "DryRunOperation", ""), "The product", "DryRun", ""},
		"failed":        {view("MeterUsage", "InternalServiceErrorException", ""), "The product", "Nothing for certain", ""},
		"entitlements":  {view("GetEntitlements", "", "{}"), "entitlements", "Nothing.", ""},
		"batch": {view("BatchMeterUsage", "", `{"Results":[{"MeteringRecordId":"a","Status":"Success"},{"Status":"CustomerNotSubscribed"},{"MeteringRecordId":"b","Status":"Success"},{"MeteringRecordId":"c","Status":"DuplicateRecord"}]}`),
			"The product", "2 usage records. What was stored before, as it is, stands once. 2 records were not taken.", "a b"},
		"nothing taken": {view("BatchMeterUsage", "", `{"Results":[{"Status":"CustomerNotSubscribed"}]}`), "The product", "no record was taken", ""},
		"cut answer":    {view("BatchMeterUsage", "", `{"Results":[{"Met`), "The product", "too long to be kept", ""},
		"cbor":          {cbor, "The product", "CBOR", ""},
		"many":          {view("BatchMeterUsage", "", `{"Results":[`+strings.Repeat(`{"MeteringRecordId":"x","Status":"Success"},`, 99)+`{}]}`), "The product", "25 usage records", strings.TrimSpace(strings.Repeat("x ", 25))},
	} {
		got := touchedBy(tc.view)
		if !strings.Contains(got.Read, tc.read) || !strings.Contains(got.Wrote, tc.wrote) || strings.Join(got.Records, " ") != tc.records {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for _, operation := range requestOperations {
		if whatIsRead(operation) == "" {
			t.Errorf("nothing is said of what %s reads", operation)
		}
	}
}

func TestStagesOf(t *testing.T) {
	rows := stagesOf(reqlog.View{Stages: []reqlog.StageView{{Name: "receive", DurationNS: 250_000}, {Name: "operate", DurationNS: 750_000}, {Name: "new<stage", DurationNS: 0}}})
	want := []stageRow{{"Reading the request", "250 µs", "25.0"}, {"Doing it", "750 µs", "75.0"}, {"new<stage", "0 µs", "0.0"}}
	for i := range want {
		if rows[i] != want[i] {
			t.Errorf("row %d: %+v, want %+v", i, rows[i], want[i])
		}
	}
	if stagesOf(reqlog.View{}) != nil {
		t.Error("there are stages of a request that has none")
	}
	for s := reqlog.Receiving; s <= reqlog.Answering; s++ {
		if stageName(s.String()) == s.String() {
			t.Errorf("stage %s has no words", s)
		}
	}
}

// The list has a few words for each code that the AWS face answers with.
func TestEveryErrorCodeHasWords(t *testing.T) {
	for _, code := range knownCodes(t) {
		if got := outcomeOf(reqlog.View{Outcome: code, ErrorCode: code, Status: 400}).Text; got == "Refused" || got == "Failed" {
			t.Errorf("%s has no words but %q", code, got)
		}
	}
	if got := operationOptions("")[0].Text + ", " + outcomeOptions("")[0].Text; got != "All operations, All outcomes" {
		t.Errorf("the filters that leave nothing out are called %s", got)
	}
}
