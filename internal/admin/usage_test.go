package admin

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/market"
)

// metered is a site with six records: two dimensions in three hours.
func metered(t *testing.T) (s *site, p Purchase, hour time.Time) {
	t.Helper()
	s = newSite(t, siteConfig{})
	s.addVault(t)
	p = s.buyVault(t)
	if _, err := s.client.AdvanceClock(t.Context(), 5*time.Hour); err != nil {
		t.Fatal(err)
	}
	hour = s.clock.Now().UTC().Truncate(time.Hour).Add(-3 * time.Hour)
	for i := range 3 {
		at := hour.Add(time.Duration(i) * time.Hour)
		s.meter(t, p.LicenseARN, "calls", at.Add(10*time.Minute), int64(10+i))
		s.meter(t, p.LicenseARN, "traffic", at, 5,
			market.Allocation{Quantity: 2, Tags: []market.Tag{{Key: []byte("team"), Value: []byte("a b")}}}, market.Allocation{Quantity: 3})
	}
	return s, p, hour
}

func TestUsagePages(t *testing.T) {
	t.Parallel()
	s, p, hour := metered(t)
	ctx := t.Context()
	var got []string
	pages := 0
	for part := (UsageList{Limit: 4, Count: true}); ; pages++ {
		page, err := s.client.Usage(ctx, UsageQuery{Product: vault}, part)
		if err != nil {
			t.Fatal(err)
		}
		if part.Count && (page.Count == nil || *page.Count != 6) || !part.Count && page.Count != nil {
			t.Errorf("count %v", page.Count)
		}
		for _, u := range page.Records {
			got = append(got, fmt.Sprintf("%s +%s %d", u.Dimension, u.Hour.Sub(hour), u.Quantity))
			if u.LicenseARN != p.LicenseARN || u.Buyer != vaultBuyer || u.Region != "us-east-1" || u.Resource != "" || u.SubmittedAt.IsZero() {
				t.Errorf("record %+v", u)
			}
			if want := []Allocation{{Quantity: 3}, {Quantity: 2, Tags: []Tag{{"team", "a b"}}}}; u.Dimension == "traffic" && !cmp.Equal(want, u.Allocations) {
				t.Errorf("allocations %+v, want %+v", u.Allocations, want)
			}
		}
		if part.After, part.Count = page.Next, false; page.Next == "" {
			break
		}
	}
	want := []string{"calls +0s 10", "traffic +0s 5", "calls +1h0m0s 11", "traffic +1h0m0s 5", "calls +2h0m0s 12", "traffic +2h0m0s 5"}
	if diff := cmp.Diff(want, got); diff != "" || pages != 1 {
		t.Errorf("%d next pages; (-want +got):\n%s", pages, diff)
	}
	for name, tc := range map[string]struct {
		q    UsageQuery
		want int
	}{
		"dimension":  {UsageQuery{Dimension: "calls"}, 3},
		"from":       {UsageQuery{From: hour.Add(time.Hour)}, 4},
		"to":         {UsageQuery{To: hour.Add(time.Hour)}, 2},
		"region":     {UsageQuery{Region: "eu-west-1"}, 0},
		"buyer":      {UsageQuery{Buyer: vaultBuyer, License: p.LicenseARN}, 6},
		"no license": {UsageQuery{License: "arn:aws:license-manager::1:license:l-1"}, 0},
		"product":    {UsageQuery{Product: "legacy1"}, 0},
	} {
		page, err := s.client.Usage(ctx, tc.q, UsageList{})
		if err != nil || len(page.Records) != tc.want || page.Next != "" {
			t.Errorf("%s: %d records, %v; want %d", name, len(page.Records), err, tc.want)
		}
	}
}

func TestUsageSums(t *testing.T) {
	t.Parallel()
	s, p, hour := metered(t)
	text := func(s string) *string { return &s }
	for name, tc := range map[string]struct {
		by   []market.UsageField
		want []UsageSum
	}{
		"all":       {nil, []UsageSum{{Records: 6, Quantity: 48}}},
		"dimension": {[]market.UsageField{market.ByDimension}, []UsageSum{{Dimension: text("calls"), Records: 3, Quantity: 33}, {Dimension: text("traffic"), Records: 3, Quantity: 15}}},
		"hour": {[]market.UsageField{market.ByHour}, []UsageSum{
			{At: hour, Records: 2, Quantity: 15}, {At: hour.Add(time.Hour), Records: 2, Quantity: 16}, {At: hour.Add(2 * time.Hour), Records: 2, Quantity: 17},
		}},
		"who": {[]market.UsageField{market.ByBuyer, market.ByProduct, market.ByRegion, market.ByLicense}, []UsageSum{
			{Buyer: text(vaultBuyer), ProductCode: text(vault), Region: text("us-east-1"), LicenseARN: text(p.LicenseARN), Records: 6, Quantity: 48},
		}},
	} {
		got, err := s.client.SumUsage(t.Context(), UsageQuery{Product: vault}, tc.by)
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// An export has all records that match, in both formats the same.
func TestUsageExport(t *testing.T) {
	t.Parallel()
	s, _, _ := metered(t)
	ctx := t.Context()
	page, err := s.client.Usage(ctx, UsageQuery{}, UsageList{})
	if err != nil {
		t.Fatal(err)
	}
	export, err := s.client.ExportUsage(ctx, UsageQuery{}, "jsonl")
	if err != nil || export.Records != 6 {
		t.Fatalf("ExportUsage = %+v, %v", export, err)
	}
	var got []UsageRecord
	for lines := bufio.NewScanner(export.Body); lines.Scan(); {
		var u UsageRecord
		if err := json.Unmarshal(lines.Bytes(), &u); err != nil {
			t.Fatal(err)
		}
		got = append(got, u)
	}
	export.Body.Close()
	if diff := cmp.Diff(page.Records, got); diff != "" {
		t.Errorf("JSON lines (-listed +exported):\n%s", diff)
	}

	if export, err = s.client.ExportUsage(ctx, UsageQuery{Dimension: "traffic"}, "csv"); err != nil || export.Records != 3 {
		t.Fatalf("ExportUsage = %+v, %v", export, err)
	}
	rows, err := csv.NewReader(export.Body).ReadAll()
	export.Body.Close()
	if err != nil || len(rows) != 4 || !cmp.Equal(rows[0], usageColumns) {
		t.Fatalf("CSV %q, %v", rows, err)
	}
	u := page.Records[1]
	want := []string{u.RecordID, u.Hour.Format(time.RFC3339), u.Timestamp.Format(time.RFC3339Nano), "us-east-1", vault, vaultBuyer, u.LicenseARN, "traffic", "", "5",
		`[{"quantity":3},{"quantity":2,"tags":[{"key":"team","value":"a b"}]}]`, u.SubmittedAt.Format(time.RFC3339Nano)}
	if diff := cmp.Diff(want, rows[1]); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}

	empty, err := s.client.ExportUsage(ctx, UsageQuery{Product: "legacy1"}, "csv")
	if err != nil || empty.Records != 0 {
		t.Fatalf("ExportUsage = %+v, %v", empty, err)
	}
	body, err := io.ReadAll(empty.Body)
	empty.Body.Close()
	if err != nil || string(body) != strings.Join(usageColumns, ",")+"\r\n" {
		t.Errorf("an export of nothing: %q, %v", body, err)
	}
}

// A spreadsheet runs what looks like a formula, whoever wrote it.
func TestCSVFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "\uff1d1": "'\uff1d1",
		"": "", "users": "users", "a=1": "a=1", "'=1": "'=1", "1-1": "1-1", "\xff=": "\xff=",
	} {
		u := UsageRecord{Dimension: in, ProductCode: in, Resource: in, Quantity: 7}
		line, err := csvLine(&u)
		if err != nil || line[4] != want || line[7] != want || line[8] != want || line[9] != "7" {
			t.Errorf("%q: %q, %v", in, line, err)
		}
	}
}

// usageStore answers pages of usage as a test wants it; all else is the store's.
type usageStore struct {
	market.Store
	view func(market.Tx) market.Tx
}

func (s usageStore) View(ctx context.Context, fn func(market.Tx) error) error {
	return s.Store.View(ctx, func(tx market.Tx) error { return fn(s.view(tx)) })
}

type usageTx struct {
	market.Tx
	usage func(market.UsageFilter) ([]market.UsageRecord, error)
}

func (tx usageTx) Usage(f market.UsageFilter) ([]market.UsageRecord, error) { return tx.usage(f) }

// endless has as many records as anybody takes, until fail.
func (s *site) endless(t *testing.T, views *int, fail func(page int) error) *httptest.Server {
	t.Helper()
	store := usageStore{s.store, func(tx market.Tx) market.Tx {
		return usageTx{tx, func(f market.UsageFilter) ([]market.UsageRecord, error) {
			*views++
			if err := fail(*views); err != nil {
				return nil, err
			}
			list := make([]market.UsageRecord, f.Limit)
			for i := range list {
				list[i] = market.UsageRecord{Position: f.After + int64(i) + 1, Timestamp: time.Unix(0, 0), Series: market.Series{Buyer: vaultBuyer}}
			}
			return list, nil
		}}
	}}
	service, err := market.Open(t.Context(), market.Config{Store: store, Directory: s.api.credentials.Directory, Ring: s.api.credentials.Ring, Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	a := New(Config{Service: service, Credentials: s.api.credentials, Log: s.log, Info: s.api.info, Logger: s.api.logger})
	server := httptest.NewServer(Guard(GuardConfig{}, a.Handler()))
	t.Cleanup(server.Close)
	return server
}

// An export that fails on its way is cut, so that it cannot be taken for a whole one; the log says why.
func TestExportThatFailsIsCut(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	views := 0
	server := s.endless(t, &views, func(page int) error {
		if page > 2 {
			return errors.New("disk is gone")
		}
		return nil
	})
	c, err := NewClient(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	export, err := c.ExportUsage(t.Context(), UsageQuery{}, "jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer export.Body.Close()
	body, err := io.ReadAll(export.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Count(string(body), "\n") != 2*exportPage {
		t.Errorf("%d lines, then %v; want %d, then %v", strings.Count(string(body), "\n"), err, 2*exportPage, io.ErrUnexpectedEOF)
	}
	if !strings.Contains(s.logs.String(), "disk is gone") {
		t.Error("the log does not say why")
	}
}

// An export ends when nobody takes it any more.
func TestExportEndsWithItsClient(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteConfig{})
	views := 0
	server := s.endless(t, &views, func(int) error { return nil })
	res, err := http.Get(server.URL + "/api/v1/usage/export")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	closed := make(chan struct{})
	go func() { server.Close(); close(closed) }() // waits for what is under way
	select {
	case <-closed:
	case <-time.After(30 * time.Second):
		t.Fatal("the export goes on")
	}
	if strings.Contains(s.logs.String(), "export") {
		t.Errorf("a client that goes is logged as a failure: %s", s.logs.String())
	}
}

func TestSigningKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t, siteConfig{})
	first, err := s.client.SigningKeys(ctx)
	if err != nil || len(first) != 1 || first[0].Version != 1 || !first[0].RotatedAt.IsZero() {
		t.Fatalf("SigningKeys = %+v, %v", first, err)
	}
	made, err := s.client.RotateSigningKey(ctx)
	if err != nil || made.Version != 2 || made.PEM == first[0].PEM {
		t.Fatalf("RotateSigningKey = %+v, %v", made, err)
	}
	both, err := s.client.SigningKeys(ctx)
	if err != nil || len(both) != 2 || both[0].PEM != first[0].PEM || both[0].RotatedAt.IsZero() || !cmp.Equal(both[1], made) {
		t.Errorf("SigningKeys = %+v, %v", both, err)
	}
	keys, err := s.service.PublicKeys(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := signingKey(keys[1]); err != nil || want.PEM != made.PEM {
		t.Errorf("PEM %q, %v; want the service's key", made.PEM, err)
	}
}
