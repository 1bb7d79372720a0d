package attack

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	badToken     = "InvalidTokenException"
	badTokenText = "Registration token is invalid"
	badParameter = "InvalidParameterException"
	badPageText  = "The NextToken is invalid."

	openToken = "internal/market/token.go:openToken"
	openPage  = "internal/market/page_token.go:openPageToken"
	openRing  = "internal/keyring/keyring.go:Open"
	purpose   = "internal/keyring/keyring.go:Open (purpose), and the form of what is sealed"
	owner     = "internal/market/service.go:ResolveCustomer (g.seller)"
)

func tokens(t *testing.T, s *siege) {
	t.Run("registration", func(t *testing.T) { registrationTokens(t, s) })
	t.Run("every character", func(t *testing.T) { everyCharacter(t, s) })
	t.Run("owner", func(t *testing.T) { foreignTokens(t, s) })
	t.Run("single use", func(t *testing.T) { usedTokens(t, s) })
	t.Run("pages", func(t *testing.T) { pageTokens(t, s) })
	t.Run("partitions", func(t *testing.T) { partitions(t, s) })
}

// registrationTokens: what else than the token that was minted could be read as it.
func registrationTokens(t *testing.T, s *siege) {
	token := s.dev.buy(t, victimLegacy, buyerAccount).RegistrationToken
	other := s.dev.buy(t, victimVault, buyerAccount).RegistrationToken
	session := s.dev.session(t, victimRole, "one", "1h").session
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil || !strings.HasSuffix(token, "==") {
		t.Fatalf("this is no token: %q %v", token, err)
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := len(token) - 3 // its lower four bits are not part of the value
	for name, c := range map[string]struct{ guard, token string }{
		"spare bits of the last character": {openToken + " (Strict)", token[:last] + string(alphabet[strings.IndexByte(alphabet, token[last])^1]) + "=="},
		"no padding":                       {openToken, strings.TrimRight(token, "=")},
		"half of the padding":              {openToken, token[:len(token)-1]},
		"more padding":                     {openToken, token + "="},
		"padding for an octet more":        {openToken, token + "===="},
		"the alphabet of URLs":             {openToken, strings.NewReplacer("+", "-", "/", "_").Replace(token) + "-"},
		"a line break in the middle":       {openToken + " (line breaks)", token[:92] + "\r\n\r\n" + token[92:]},
		"line breaks at the end":           {openToken + " (line breaks)", token + "\n\n\n\n"},
		"a space before":                   {openToken, "   " + token},
		"a space behind":                   {openToken, token + "    "},
		"NUL behind":                       {openToken, token + "\x00\x00\x00\x00"},
		"plus as a space":                  {openToken, strings.ReplaceAll(token+"+", "+", " ")},
		"percent signs":                    {openToken, strings.ReplaceAll(token, "=", "%3D")},
		"other digits, alike":              {openToken, strings.Replace(token, token[:1], "\uff21", 1)},
		"cut by a group":                   {openRing, base64.StdEncoding.EncodeToString(raw[:len(raw)-1])},
		"cut to its head":                  {openRing, base64.StdEncoding.EncodeToString(raw[:16])},
		"cut to its nonce":                 {openRing, base64.StdEncoding.EncodeToString(raw[:12])},
		"nothing that is sealed":           {openRing, base64.StdEncoding.EncodeToString(append(raw[:16:16], raw[len(raw)-16:]...))},
		"an octet more":                    {openRing, base64.StdEncoding.EncodeToString(append(raw[:len(raw):len(raw)], 0))},
		"twice":                            {openRing, base64.StdEncoding.EncodeToString(append(raw[:len(raw):len(raw)], raw...))},
		"the head of another token":        {openRing, other[:64] + token[64:]},
		"the end of another token":         {openRing, token[:100] + other[100:]},
		"of zeros":                         {openRing, base64.StdEncoding.EncodeToString(make([]byte, len(raw)))},
		"a session token":                  {purpose, session},
		"513 characters":                   {openToken, strings.Repeat("A", 513)},
		"a megabyte":                       {openToken, strings.Repeat("A", 1_000_000)},
	} {
		t.Run(name, func(t *testing.T) {
			if c.token == token {
				t.Fatal("that is the token itself")
			}
			refused(t, c.guard, resolve(s.dev, victim, c.token).sign().send(t, s.dev), http.StatusBadRequest, badToken, badTokenText)
		})
	}
	accepted(t, resolve(s.dev, victim, token).sign().send(t, s.dev))
	accepted(t, resolve(s.dev, victim, other).sign().send(t, s.dev))
	escaped := resolve(s.dev, victim, "")
	escaped.body = []byte(`{"RegistrationToken":"` + strings.ReplaceAll(token, "/", `\/`) + `"}`)
	accepted(t, escaped.sign().send(t, s.dev)) // JSON may write it so, and it is the same token

	t.Run("as a session token", func(t *testing.T) {
		k := s.dev.session(t, victimRole, "two", "1h")
		f := resolve(s.dev, k, token)
		f.session = token
		refused(t, purpose, f.sign().send(t, s.dev), http.StatusBadRequest, noClient, "is invalid")
		accepted(t, resolve(s.dev, k, token).sign().send(t, s.dev))
	})
	t.Run("two tokens in a request", func(t *testing.T) {
		f := resolve(s.dev, victim, "")
		f.body = []byte(`{"RegistrationToken":"` + token + `","RegistrationToken":"` + flip(token, 50) + `"}`)
		refused(t, "internal/awsproto/shapes_metering.go:FastRegistrationToken", f.sign().send(t, s.dev), http.StatusBadRequest, badToken, badTokenText)
		f.body = []byte(`{"RegistrationToken":"` + flip(token, 50) + `","RegistrationToken":"` + token + `"}`) // the last one counts
		accepted(t, f.sign().send(t, s.dev))
	})
}

// everyCharacter: whatever is altered, nonce, key id, ciphertext or tag, the seal breaks.
func everyCharacter(t *testing.T, s *siege) {
	token := s.dev.buy(t, victimVault, buyerAccount).RegistrationToken
	for i := range strings.TrimRight(token, "=") {
		refused(t, openRing, resolve(s.dev, victim, flip(token, i)).sign().send(t, s.dev), http.StatusBadRequest, badToken, badTokenText)
		if t.Failed() {
			t.Fatalf("character %d of %d", i, len(token))
		}
	}
	accepted(t, resolve(s.dev, victim, token).sign().send(t, s.dev))
}

// foreignTokens are good ones, in the wrong hands.
func foreignTokens(t *testing.T, s *siege) {
	mine := s.dev.buy(t, victimLegacy, buyerAccount).RegistrationToken
	theirs := s.far.buy(t, victimLegacy, buyerAccount).RegistrationToken
	garbage := resolve(s.dev, rival, flip(mine, 20)).sign().send(t, s.dev)
	for _, c := range []struct {
		name, guard string
		at          *souk
		by          key
		token       string
		honest      *forgery
	}{
		{"another Souk's, of the same world", openRing, s.dev, victim, theirs, resolve(s.far, victim, theirs)},
		{"that Souk's, the other way round", openRing, s.far, victim, mine, resolve(s.dev, victim, mine)},
		{"another seller's", owner, s.dev, rival, mine, resolve(s.dev, victim, mine)},
		{"another seller's, by a session of its role", owner, s.dev, s.dev.session(t, rivalRole, "one", "1h"), mine, resolve(s.dev, s.dev.session(t, victimRole, "one", "1h"), mine)},
		{"the buyer's own", owner, s.dev, buyer, mine, resolve(s.dev, victim, mine)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := resolve(c.at, c.by, c.token).sign().send(t, c.at)
			refused(t, c.guard, got, http.StatusBadRequest, badToken, badTokenText)
			if string(got.body) != string(garbage.body) {
				t.Errorf("the answer tells that the token is real: %s, to garbage it is %s", got, garbage)
			}
			honest := s.dev
			if c.honest.get("Host") == s.far.address() {
				honest = s.far
			}
			accepted(t, c.honest.sign().send(t, honest))
		})
	}
}

// usedTokens: a token for single use is used once, however it is written and by however many at once.
func usedTokens(t *testing.T, s *siege) {
	const guard = "internal/market/service.go:redeem"
	token := s.dev.buy(t, victimOnce, buyerAccount).RegistrationToken
	refused(t, owner, resolve(s.dev, rival, token).sign().send(t, s.dev), http.StatusBadRequest, badToken, "") // does not use it up
	var wins, losses atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		f := resolve(s.dev, victim, token).sign()
		wg.Go(func() {
			switch got := f.send(t, s.dev); {
			case got.status == http.StatusOK:
				wins.Add(1)
			case got.code == "ExpiredTokenException":
				losses.Add(1)
			default:
				t.Errorf("unexpected: %s", got)
			}
		})
	}
	wg.Wait()
	if wins.Load() != 1 || losses.Load() != 15 {
		t.Errorf("%d redemptions of a token for single use, %d refused\nguard: %s", wins.Load(), losses.Load(), guard)
	}
	f := resolve(s.dev, victim, "")
	f.body = []byte(`{ "RegistrationToken" : "\u00` + hexOf(token[0]) + token[1:] + `" }`)
	refused(t, guard, f.sign().send(t, s.dev), http.StatusBadRequest, "ExpiredTokenException", "Registration token has expired")
	accepted(t, resolve(s.dev, victim, s.dev.buy(t, victimOnce, bystanderAccount).RegistrationToken).sign().send(t, s.dev))
}

func hexOf(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// page is the answer of GetEntitlements.
type page struct {
	Entitlements []struct{ LicenseArn, Dimension, CustomerAWSAccountId string }
	NextToken    string
}

func entitlements(t *testing.T, s *souk, k key, in map[string]any) (answer, page) {
	t.Helper()
	var p page
	got := call(s, k, "GetEntitlements", in).sign().send(t, s)
	if got.status == http.StatusOK {
		if err := json.Unmarshal(got.body, &p); err != nil {
			t.Fatal(err)
		}
	}
	return got, p
}

// pageTokens: the position in one query is not one in another.
func pageTokens(t *testing.T, s *siege) {
	license := s.dev.buy(t, victimVault, buyerAccount).LicenseARN
	s.dev.buy(t, rivalVault, buyerAccount)
	filter := map[string][]string{"LICENSE_ARN": {license}}
	ask := func(product, token string, filter map[string][]string) map[string]any {
		in := map[string]any{"ProductCode": product, "MaxResults": 1}
		if token != "" {
			in["NextToken"] = token
		}
		if filter != nil {
			in["Filter"] = filter
		}
		return in
	}
	first, p := entitlements(t, s.dev, victim, ask(victimVault, "", filter))
	accepted(t, first)
	_, theirs := entitlements(t, s.dev, rival, ask(rivalVault, "", nil))
	if p.NextToken == "" || theirs.NextToken == "" {
		t.Fatal("there is no second page")
	}
	far := s.far.buy(t, victimVault, buyerAccount).LicenseARN
	_, distant := entitlements(t, s.far, victim, ask(victimVault, "", map[string][]string{"LICENSE_ARN": {far}}))
	registration := s.dev.buy(t, victimLegacy, buyerAccount).RegistrationToken
	raw, err := base64.StdEncoding.DecodeString(registration)
	if err != nil {
		t.Fatal(err)
	}
	query := openPage + " (queryHash)"
	for _, c := range []struct {
		name, guard string
		by          key
		in          map[string]any
	}{
		{"another filter", query, victim, ask(victimVault, p.NextToken, map[string][]string{"CUSTOMER_AWS_ACCOUNT_ID": {buyerAccount}})},
		{"a filter more", query, victim, ask(victimVault, p.NextToken, map[string][]string{"LICENSE_ARN": {license}, "DIMENSION": {"seats", "sso", "tier"}})},
		{"no filter", query, victim, ask(victimVault, p.NextToken, nil)},
		{"another value of the filter", query, victim, ask(victimVault, p.NextToken, map[string][]string{"LICENSE_ARN": {far}})},
		{"two values that join to one", query, victim, ask(victimVault, p.NextToken, map[string][]string{"LICENSE_ARN": {license[:len(license)-8], license[len(license)-8:]}})},
		{"another product of the seller", query, victim, ask(victimLegacy, p.NextToken, nil)},
		{"another seller's, for its own product", query, rival, ask(rivalVault, p.NextToken, nil)},
		{"another seller's token for a product of one's own", query, victim, ask(victimVault, theirs.NextToken, nil)},
		{"another Souk's", openRing, victim, ask(victimVault, distant.NextToken, filter)},
		{"a registration token", purpose, victim, ask(victimVault, base64.RawURLEncoding.EncodeToString(raw), filter)},
		{"cut", openRing, victim, ask(victimVault, p.NextToken[:len(p.NextToken)-4], filter)},
		{"longer", openRing, victim, ask(victimVault, p.NextToken+"AAAA", filter)},
		{"padded", openPage, victim, ask(victimVault, p.NextToken+"=", filter)},
		{"huge", openPage, victim, ask(victimVault, strings.Repeat("A", 100_000), filter)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := entitlements(t, s.dev, c.by, c.in)
			refused(t, c.guard, got, http.StatusBadRequest, badParameter, badPageText)
		})
	}
	t.Run("every character", func(t *testing.T) {
		for i := range p.NextToken {
			got, _ := entitlements(t, s.dev, victim, ask(victimVault, flip(p.NextToken, i), filter))
			refused(t, openRing, got, http.StatusBadRequest, badParameter, badPageText)
			if t.Failed() {
				t.Fatalf("character %d of %d", i, len(p.NextToken))
			}
		}
	})
	t.Run("as a registration token", func(t *testing.T) {
		raw, err := base64.RawURLEncoding.DecodeString(p.NextToken)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, purpose, resolve(s.dev, victim, base64.StdEncoding.EncodeToString(raw)).sign().send(t, s.dev), http.StatusBadRequest, badToken, badTokenText)
	})
	t.Run("another seller's, whole", func(t *testing.T) { // the product's owner is asked for first, and in the words that a product of nobody gets
		got, _ := entitlements(t, s.dev, rival, ask(victimVault, p.NextToken, filter))
		refused(t, "internal/market/entitlement.go:judgeFilter", got, http.StatusBadRequest, badParameter, "The product code is invalid.")
	})
	second, next := entitlements(t, s.dev, victim, ask(victimVault, p.NextToken, filter))
	accepted(t, second)
	if len(next.Entitlements) != 1 || next.Entitlements[0] == p.Entitlements[0] {
		t.Errorf("the second page: %s", second)
	}
}

// partitions: a Region of another partition is another AWS. Where an operation does not exist, nothing of this one opens there.
func partitions(t *testing.T, s *siege) {
	bought := s.dev.buy(t, victimVault, buyerAccount)
	in := func(region string, f *forgery) answer {
		f.region = region
		return f.sign().send(t, s.dev)
	}
	const guard = "internal/market/region.go:Has"
	for _, region := range []string{"us-gov-west-1", "us-gov-east-1", "cn-north-1", "us-iso-east-1", "aws-global", "us-east-1a", "us-east-11"} {
		refused(t, guard, in(region, resolve(s.dev, victim, bought.RegistrationToken)), http.StatusBadRequest, "DisabledApiException", "")
		refused(t, guard, in(region, call(s.dev, victim, "BatchMeterUsage", noUsage)), http.StatusBadRequest, "DisabledApiException", "")
		refused(t, guard, in(region, call(s.dev, victim, "GetEntitlements", map[string]any{"ProductCode": victimVault})), http.StatusBadRequest, badSig, "valid region")
	}
	accepted(t, in("us-east-1", resolve(s.dev, victim, bought.RegistrationToken)))
	accepted(t, in("us-east-1", call(s.dev, victim, "BatchMeterUsage", noUsage)))
	accepted(t, in("us-east-1", call(s.dev, victim, "GetEntitlements", map[string]any{"ProductCode": victimVault})))
}
