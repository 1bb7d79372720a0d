package model

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/api"
	"github.com/souk-market/souk/internal/fault"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/quota"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sigv4"
	"github.com/souk-market/souk/internal/sqlstore"
)

var ctx, operator = context.Background(), market.Operator()

// start is a day on which little happens by itself; a sequence moves on from there, over months' ends too.
var start = time.Date(2026, 10, 29, 9, 41, 7, 250e6, time.UTC)

// rig is a Souk without a socket: the AWS face as a handler, over a store in memory, under a clock that only sequences move.
type rig struct {
	service *market.Service
	face    *api.Server
	faults  *fault.Set
	now     time.Time
	keys    map[string]sigv4.Key
}

// fataler is a testing.T or a rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func newRig(t fataler) (r *rig, closeIt func()) {
	t.Helper()
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	r = &rig{now: start, keys: map[string]sigv4.Key{}, faults: fault.New(fault.Config{Seed: 1, Known: api.KnownCode})}
	dir, ring := new(account.Directory), new(keyring.Ring)
	r.service, err = market.Open(ctx, market.Config{
		Store: store, Directory: dir, Ring: ring, Now: func() time.Time { return r.now }, Rand: rand.Reader, Regions: market.AWSRegions(),
	})
	if err != nil {
		t.Fatalf("open market: %v", err)
	}
	if _, err := r.service.ApplyWorld(ctx, operator, world()); err != nil {
		t.Fatalf("apply world: %v", err)
	}
	credentials := &account.Credentials{Directory: dir, Ring: ring, Now: time.Now, Rand: rand.Reader}
	r.face = api.New(api.Config{
		Service: r.service, Credentials: credentials, Records: reqlog.New(reqlog.Config{}), Faults: r.faults, Quotas: quota.New(quota.Off(), nil),
	})
	for _, id := range []string{seller, stranger} {
		r.keys[id] = sigv4.Key{AccessKeyID: "AKIA" + id + "0000", Secret: "secret of " + id}
	}
	for _, buyer := range []string{buyerA, buyerB} {
		for _, task := range []string{"task-1", "task-2"} {
			s, err := credentials.IssueSession(account.SessionInput{RoleARN: "arn:aws:iam::" + buyer + ":role/Task", Name: task, Life: time.Hour})
			if err != nil {
				t.Fatalf("session: %v", err)
			}
			r.keys[buyer+task] = sigv4.Key{AccessKeyID: s.AccessKeyID, Secret: s.Secret, SessionToken: s.Token}
		}
	}
	return r, func() { _ = store.Close() }
}

func world() market.World {
	allow := []account.Inline{{Name: "all", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"aws-marketplace:*","Resource":"*"}]}`}}
	w := market.World{
		Directory: account.State{
			Accounts: []account.Account{
				{ID: seller, Name: "Seller", Seller: true}, {ID: stranger, Name: "Stranger", Seller: true},
				{ID: buyerA, Name: "A", Buyer: true}, {ID: buyerB, Name: "B", Buyer: true},
			},
		},
		Products: []market.Product{
			{Code: legacyCode, Seller: seller, Title: "L", Kind: market.Legacy, Dimensions: []market.Dimension{{Key: "calls", Kind: market.Metered}, {Key: "gb", Kind: market.Metered}}},
			{Code: concurrentCode, Seller: seller, Title: "C", Kind: market.ConcurrentAgreements, Dimensions: []market.Dimension{{Key: "seats", Kind: market.Entitled}, {Key: "gb", Kind: market.Metered}}},
			{Code: foreignCode, Seller: stranger, Title: "F", Kind: market.Legacy, Dimensions: []market.Dimension{{Key: "calls", Kind: market.Metered}}},
		},
	}
	for _, id := range []string{seller, stranger} {
		w.Directory.Users = append(w.Directory.Users, account.User{Identity: account.Identity{Account: id, Name: "app", Inline: allow}})
		w.Directory.Keys = append(w.Directory.Keys, account.AccessKey{ID: "AKIA" + id + "0000", Secret: "secret of " + id, Account: id, User: "app"})
	}
	for _, id := range []string{buyerA, buyerB} {
		w.Directory.Roles = append(w.Directory.Roles, account.Role{Identity: account.Identity{Account: id, Name: "Task", Inline: allow}, Workload: account.ECSTask})
	}
	return w
}

// errLost is an answer that never came.
var errLost = errors.New("the connection was cut")

// call sends one request, and answers the code of its error or decodes its result.
func (r *rig) call(t fataler, key sigv4.Key, region, target string, in any, out any) (code string, err error) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatalf("marshal: %v", err)
	}
	q := httptest.NewRequest("POST", "http://souk.test/", bytes.NewReader(body))
	q.Header.Set("Content-Type", "application/x-amz-json-1.1")
	q.Header.Set("X-Amz-Target", target)
	sigv4.Sign(q, body, key, region, "aws-marketplace", time.Now())
	w := httptest.NewRecorder()
	lost := false
	func() {
		defer func() {
			if v := recover(); v != nil {
				if v != http.ErrAbortHandler {
					panic(v)
				}
				lost = true
			}
		}()
		r.face.ServeHTTP(w, q)
	}()
	if lost {
		return "", errLost
	}
	if w.Code != http.StatusOK {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Type == "" {
			t.Fatalf("an error that is none: %d %s", w.Code, w.Body)
		}
		return e.Type, nil
	}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		t.Fatalf("answer %s: %v", w.Body, err)
	}
	return "", nil
}

type (
	wireTag        struct{ Key, Value string }
	wireAllocation struct {
		AllocatedUsageQuantity int64
		Tags                   []wireTag `json:",omitempty"`
	}
	wireRecord struct {
		Timestamp            float64
		Dimension            string
		Quantity             int64
		CustomerIdentifier   string           `json:",omitempty"`
		CustomerAWSAccountId string           `json:",omitempty"`
		LicenseArn           string           `json:",omitempty"`
		UsageAllocations     []wireAllocation `json:",omitempty"`
	}
	wireBatch struct {
		ProductCode  string `json:",omitempty"`
		UsageRecords []wireRecord
	}
	wireResults struct {
		Results []struct {
			UsageRecord      wireRecord
			MeteringRecordId string
			Status           string
		}
		UnprocessedRecords []wireRecord
	}
)

// wire is a request as SDKs send it.
func wire(q request) wireBatch {
	w := wireBatch{ProductCode: q.product, UsageRecords: []wireRecord{}}
	for _, r := range q.records {
		v := wireRecord{
			Timestamp: seconds(r.at), Dimension: r.dimension, Quantity: r.quantity,
			CustomerIdentifier: r.identifier, CustomerAWSAccountId: r.account, LicenseArn: r.license,
		}
		for i, n := range r.allocations {
			tag := wireTag{"part", string(rune('a' + i))}
			if r.sameTags {
				tag.Value = "a"
			}
			v.UsageAllocations = append(v.UsageAllocations, wireAllocation{n, []wireTag{tag}})
		}
		w.UsageRecords = append(w.UsageRecords, v)
	}
	return w
}

func seconds(t time.Time) float64 { return math.Round(float64(t.UnixMilli())) / 1000 }
