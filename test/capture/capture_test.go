// Package capture replays, over a real socket, what unmodified AWS clients were seen to send: the captures in internal/sigv4's testdata. Each is
// answered as that client has to be, in its own protocol; testdata/answers.txt has the answers.
//
// The captures were signed at a fixed time, so the AWS face stands on a wall clock of its own here. What they meter is of another time, and so is
// the market's clock.
package capture

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/account"
	"github.com/souk-market/souk/internal/api"
	"github.com/souk-market/souk/internal/keyring"
	"github.com/souk-market/souk/internal/market"
	"github.com/souk-market/souk/internal/quota"
	"github.com/souk-market/souk/internal/reqlog"
	"github.com/souk-market/souk/internal/sqlstore"
)

var update = flag.Bool("update", false, "write testdata/answers.txt anew, to be read before it is committed")

const answersFile = "testdata/answers.txt"

// TestCaptures holds all answers to those on file.
func TestCaptures(t *testing.T) {
	var got strings.Builder
	n := 0
	files, err := filepath.Glob("../../internal/sigv4/testdata/captures/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		secret := "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
		if strings.HasPrefix(filepath.Base(file), "aws-sdk-go-v1-and-old-v2") {
			secret = "s" // the captures' own README does not say so
		}
		list := read(t, file)
		n += len(list)
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		// The sessions in the captures are none of Souk's, and a long-lived key is no workload's. So all are sent twice: to a Souk that holds them
		// to their signatures, and to one that takes a caller whom it does not know for the seller, or for a workload where only those may call.
		for _, relaxed := range []bool{false, true} {
			s := start(t, secret, relaxed)
			fmt.Fprintf(&got, "# %s%s\n", name, map[bool]string{true: ", signatures unchecked"}[relaxed])
			for _, c := range list {
				fmt.Fprintf(&got, "%s %s\n", c.number, s.replay(t, c.raw))
			}
			got.WriteString("\n")
		}
	}
	if n != 74 {
		t.Errorf("there are %d captures, want 74", n)
	}
	if *update {
		if err := os.WriteFile(answersFile, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(answersFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("answers (-on file +got):\n%s", diff)
	}
}

// capture is one request.
type capture struct {
	number string
	raw    []byte
}

var begin = regexp.MustCompile(`(?m)^=+ (\d+)\.txt\n# .*\n`)

// read takes the requests out of a file, which has the replies of a capture server between them.
func read(t *testing.T, file string) (list []capture) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	marks := begin.FindAllSubmatchIndex(data, -1)
	for i, m := range marks {
		end := len(data)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		raw, _, ok := bytes.Cut(data[m[1]:end], []byte("\n# ---- reply sent ----"))
		if !ok {
			t.Fatalf("%s: capture %s has no reply", file, data[m[2]:m[3]])
		}
		list = append(list, capture{string(data[m[2]:m[3]]), bytes.TrimSuffix(raw, []byte("\n"))})
	}
	return list
}

// The captures know product pc with dimension d, and buyer 111122223333, who is customer ci.
const (
	seller = "444455556666"
	buyer  = "111122223333"
)

var bought = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func world() market.World {
	return market.World{
		Directory: account.State{
			Accounts: []account.Account{{ID: seller, Name: "Seller", Seller: true}, {ID: buyer, Name: "Buyer", Buyer: true}},
			Roles: []account.Role{{Workload: account.ECSTask, Identity: account.Identity{Account: buyer, Name: "Task", Inline: []account.Inline{{
				Name: "Workload", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"aws-marketplace:*","Resource":"*"}]}`,
			}}}}},
		},
		Products: []market.Product{{Code: "pc", Seller: seller, Title: "P", Kind: market.Legacy, Dimensions: []market.Dimension{
			{Key: "d", Kind: market.Metered}, {Key: "seats", Kind: market.Entitled}, {Key: "storage", Kind: market.Entitled, Type: market.Double},
			{Key: "sso", Kind: market.Entitled, Type: market.Boolean}, {Key: "tier", Kind: market.Entitled, Type: market.Text},
		}}},
		Offers:    []market.Offer{{ID: "offer-capture", ProductCode: "pc", Kind: market.PublicOffer, TermMonths: 12}},
		Customers: []market.Customer{{Account: buyer, Identifier: "ci"}},
		Agreements: []market.Agreement{{
			ID: "agmt-capture", ProductCode: "pc", OfferID: "offer-capture", Buyer: buyer, Status: market.Active, AcceptedAt: bought, StartAt: bought,
			LicenseARN: "arn:aws:license-manager::294406891311:license:l-capture",
			Entitlements: []market.Entitlement{
				{Dimension: "seats", Value: market.Value{Type: market.Integer, Integer: 5}}, {Dimension: "storage", Value: market.Value{Type: market.Double, Double: 1.5}},
				{Dimension: "sso", Value: market.Value{Type: market.Boolean, Boolean: true}}, {Dimension: "tier", Value: market.Value{Type: market.Text, Text: "gold"}},
			},
		}},
	}
}

// souk is an AWS face over a store in memory.
type souk struct {
	addr      string
	wall      atomic.Int64                      // Unix time of the AWS face
	market    atomic.Int64                      // and of the market
	stranger  atomic.Pointer[account.Principal] // whom a caller is taken for that nobody knows
	directory *account.Directory
	ids       map[string]string
}

func start(t *testing.T, secret string, relaxed bool) *souk {
	t.Helper()
	ctx := context.Background()
	store, err := sqlstore.Open(ctx, sqlstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &souk{directory: new(account.Directory), ids: map[string]string{}}
	s.market.Store(bought.Unix())
	wall := func() time.Time { return time.Unix(s.wall.Load(), 0) }
	dir, ring := s.directory, new(keyring.Ring)
	service, err := market.Open(ctx, market.Config{
		Store: store, Directory: dir, Ring: ring, Rand: rand.Reader, Regions: market.AWSRegions(),
		Now: func() time.Time { return time.Unix(s.market.Load(), 0).UTC() },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := world()
	if _, err := service.ApplyWorld(ctx, market.Operator(), w); err != nil {
		t.Fatal(err)
	}
	config := api.Config{
		Service: service, Credentials: &account.Credentials{Directory: dir, Ring: ring, Now: wall, Rand: rand.Reader},
		Records: reqlog.New(reqlog.Config{}), Quotas: quota.New(quota.Off(), nil), Wall: wall,
	}
	if relaxed {
		config.Relaxed = func(string) *account.Principal { return s.stranger.Load() }
	} else {
		// A world file would not take it: AWS's own key ids are longer than the one in the captures.
		w.Directory.Keys = []account.AccessKey{{ID: "AKIDEXAMPLE", Secret: secret, Account: seller}}
		if err := dir.Replace(w.Directory); err != nil {
			t.Fatal(err)
		}
	}
	face := api.New(config)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	done := make(chan error, 1)
	go func() { done <- face.Serve(ln, nil) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := face.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return s
}

var timestamp = regexp.MustCompile(`"Timestamp": ?(\d{10})`)

// replay sends a request as it was captured, and says in a line what it is answered.
func (s *souk) replay(t *testing.T, raw []byte) string {
	t.Helper()
	sent, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	// A little after it was signed; and for the market, a little after what it meters.
	signed, err := time.Parse("20060102T150405Z", sent.Header.Get("X-Amz-Date"))
	if err == nil {
		s.wall.Store(signed.Unix() + 1)
	}
	s.market.Store(bought.Unix() + 100*3600)
	if m := timestamp.FindSubmatch(raw); m != nil {
		seconds, _ := strconv.ParseInt(string(m[1]), 10, 64)
		s.market.Store(seconds + 1)
	}
	s.stranger.Store(s.caller(t, operation(sent)))
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), sent)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	protocol := "JSON"
	switch ct := res.Header.Get("Content-Type"); {
	case ct == "application/cbor" && res.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		protocol = "CBOR"
		value, err := cbor.Decode(body)
		if err != nil {
			t.Fatalf("%v: %x", err, body)
		}
		if body, err = json.Marshal(plain(value)); err != nil {
			t.Fatal(err)
		}
	case ct != "application/x-amz-json-1.1" || !json.Valid(body):
		t.Fatalf("the answer is %q: %s", ct, body)
	}
	if id := res.Header.Get("x-amzn-RequestId"); len(id) != 36 {
		t.Errorf("the request id is %q", id)
	}
	return fmt.Sprintf("%s %s %d %s", operation(sent), protocol, res.StatusCode, s.steady(body))
}

// caller is who may call an operation: the seller, or a task of the buyer's.
func (s *souk) caller(t *testing.T, operation string) *account.Principal {
	t.Helper()
	if operation != "MeterUsage" && operation != "RegisterUsage" {
		p, ok := s.directory.Root(seller)
		if !ok {
			t.Fatal("the seller is not there")
		}
		return p
	}
	role, ok := s.directory.Role("arn:aws:iam::" + buyer + ":role/Task")
	if !ok {
		t.Fatal("the role is not there")
	}
	p := *role
	p.Session = "task-1"
	return &p
}

// operation is what a request asks for.
func operation(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, name, _ := strings.Cut(target, ".")
		return name
	}
	if name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; name != "" {
		return name
	}
	return "STS"
}

var jwt = regexp.MustCompile(`"Signature":"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"`)

var uuid = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// steady is an answer with its ids numbered in the order of their coming, and without its signature.
func (s *souk) steady(body []byte) string {
	body = jwt.ReplaceAll(body, []byte(`"Signature":"a JWT"`))
	return uuid.ReplaceAllStringFunc(string(body), func(id string) string {
		if s.ids[id] == "" {
			s.ids[id] = "record " + strconv.Itoa(len(s.ids)+1)
		}
		return s.ids[id]
	})
}

// plain is a decoded value in types that JSON has.
func plain(v cbor.Value) any {
	switch v := v.(type) {
	case cbor.Map:
		out := map[string]any{}
		for name, e := range v {
			out[name] = plain(e)
		}
		return out
	case cbor.List:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = plain(e)
		}
		return out
	case *cbor.Tag:
		return map[string]any{"tag " + strconv.FormatUint(v.ID, 10): plain(v.Value)}
	}
	return v
}
