package market

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/keyring"
)

func testRing(t testing.TB) *keyring.Ring {
	t.Helper()
	k, err := keyring.NewKey(rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := new(keyring.Ring)
	if err := r.Replace([]keyring.Key{k}); err != nil {
		t.Fatal(err)
	}
	return r
}

func sampleGrant() grant {
	return grant{
		tokenID: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, issuedAt: time.UnixMilli(1795457704118).UTC(), life: 4 * time.Hour,
		seller: "111122223333", buyer: "000000000001", customer: "ifAPi5AcF3Zx",
		productCode: "74az0btybm649octamy0sktos", licenseARN: licensePrefix + "9d01d15f86334a8894365cd7350556ff",
	}
}

// The token has the length and the alphabet of the live one: a page that decodes it twice breaks.
func TestTokenForm(t *testing.T) {
	ring, g := testRing(t), sampleGrant()
	plus, slash := 0, 0
	for range 200 {
		token, err := sealToken(ring, rand.Reader, &g)
		if err != nil {
			t.Fatal(err)
		}
		if len(token) != 184 || !strings.HasSuffix(token, "==") {
			t.Fatalf("token %q has %d characters, want 184 ending in ==", token, len(token))
		}
		if strings.Contains(token, "+") {
			plus++
		}
		if strings.Contains(token, "/") {
			slash++
		}
	}
	if plus < 150 || slash < 150 { // each stands in 94 % of random tokens of 182 free characters
		t.Errorf("of 200 tokens %d hold a + and %d a /", plus, slash)
	}
}

func TestTokenRoundTrip(t *testing.T) {
	ring := testRing(t)
	digits := rapid.StringMatching(`[0-9]{12}`)
	rapid.Check(t, func(t *rapid.T) {
		g := grant{
			issuedAt:    time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "issued")).UTC(),
			life:        time.Duration(rapid.IntRange(1, 7*24*3600).Draw(t, "life")) * time.Second,
			seller:      digits.Draw(t, "seller"),
			buyer:       digits.Draw(t, "buyer"),
			singleUse:   rapid.Bool().Draw(t, "single"),
			concurrent:  rapid.Bool().Draw(t, "concurrent"),
			customer:    rapid.StringMatching(`[A-Za-z0-9]{0,13}`).Draw(t, "customer"),
			productCode: rapid.StringMatching(`[-a-zA-Z0-9/=:_.@]{1,120}`).Draw(t, "product"),
			licenseARN: rapid.OneOf(rapid.StringMatching(`arn:aws:license-manager::294406891311:license:l-[0-9a-f]{32}`),
				rapid.StringMatching(`arn:aws:license-manager:us-east-1:[0-9]{12}:license/lic-[A-Z]{1,60}`)).Draw(t, "license"),
		}
		token, err := sealToken(ring, rand.Reader, &g)
		if err != nil {
			t.Fatal(err)
		}
		var got grant
		if err := openToken(ring, []byte(token), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(g, got, cmp.AllowUnexported(grant{})); d != "" {
			t.Fatalf("grant changed on the way (-want +got):\n%s", d)
		}
		if !strings.HasSuffix(token, "==") || len(token) > maxTokenChars {
			t.Fatalf("token has %d characters and ends in %q", len(token), token[len(token)-2:])
		}
	})
}

func TestTokenTooLong(t *testing.T) {
	g := sampleGrant()
	g.productCode, g.licenseARN = strings.Repeat("p", 255), "arn:aws:x:::"+strings.Repeat("l", 240)
	if _, err := sealToken(testRing(t), rand.Reader, &g); !errors.Is(err, errTokenTooLong) {
		t.Errorf("sealToken = %v, want errTokenTooLong", err)
	}
}

// Whatever is done to the 184 characters, the token does not open: each character replaced, cut at each place, lines broken, decoded once too often.
func TestTokenAltered(t *testing.T) {
	ring, g := testRing(t), sampleGrant()
	token, err := sealToken(ring, rand.Reader, &g)
	if err != nil {
		t.Fatal(err)
	}
	tries := map[string]string{
		"another ring's":  "",
		"empty":           "",
		"twice":           token + token,
		"unpadded":        strings.TrimRight(token, "="),
		"trailing space":  token + " ",
		"broken line":     token[:100] + "\n" + token[100:],
		"broken lines":    token[:100] + "\r\n\r\n" + token[100:],
		"URL alphabet":    strings.NewReplacer("+", "-", "/", "_").Replace(token + "+")[:184],
		"too long":        strings.Repeat("A", 516),
		"not base64":      strings.Repeat("!", 184),
		"zeros":           strings.Repeat("A", 184),
		"nothing but pad": "====",
	}
	if other, err := sealToken(testRing(t), rand.Reader, &g); err == nil {
		tries["another ring's"] = other
	}
	if s := strings.ReplaceAll(token, "+", " "); s != token {
		tries["plus became space"] = s
	}
	for i := range token {
		tries[fmt.Sprintf("cut at %d", i)] = token[:i]
		for _, c := range []byte("AQgw+/=9") {
			if token[i] != c {
				tries[fmt.Sprintf("character %d is %q", i, c)] = token[:i] + string(c) + token[i+1:]
			}
		}
	}
	for name, bad := range tries {
		var got grant
		if bad == token {
			continue
		}
		if err := openToken(ring, []byte(bad), &got); !errors.Is(err, keyring.ErrOpen) {
			t.Errorf("%s: openToken = %v, want ErrOpen", name, err)
		}
	}
	if len(tries) < 1000 {
		t.Errorf("only %d alterations tried", len(tries))
	}
}

func TestOpenTokenAllocatesOnce(t *testing.T) {
	ring, g := testRing(t), sampleGrant()
	token, err := sealToken(ring, rand.Reader, &g)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(token)
	if n := testing.AllocsPerRun(200, func() {
		var got grant
		if err := openToken(ring, raw, &got); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("openToken allocates %v times, want 1", n)
	}
}

func FuzzToken(f *testing.F) {
	ring, g := testRing(f), sampleGrant()
	token, err := sealToken(ring, rand.Reader, &g)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(token))
	f.Add([]byte("===="))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got grant
		if err := openToken(ring, b, &got); err == nil && string(b) != token {
			t.Fatalf("%q opened", b)
		}
	})
}

// The plaintext is only ever what Souk sealed, but its parser must hold all the same.
func FuzzGrant(f *testing.F) {
	f.Add(make([]byte, 104))
	f.Fuzz(func(t *testing.T, b []byte) {
		var g grant
		if err := g.parse(b); err == nil && (len(g.seller) != 12 || len(g.buyer) != 12) {
			t.Fatalf("parsed accounts %q and %q", g.seller, g.buyer)
		}
	})
}

func BenchmarkOpenToken(b *testing.B) {
	ring, g := testRing(b), sampleGrant()
	token, err := sealToken(ring, rand.Reader, &g)
	if err != nil {
		b.Fatal(err)
	}
	raw := []byte(token)
	b.ReportAllocs()
	for b.Loop() {
		var got grant
		if err := openToken(ring, raw, &got); err != nil {
			b.Fatal(err)
		}
	}
}
