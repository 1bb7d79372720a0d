package sigv4

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var seedFlag = flag.Uint64("sigv4.seed", 0, "seed of TestDifferential; 0: another one each time")

// message is a signed request on its way: what can be changed about it.
type message struct {
	method, path, query, host string
	header                    http.Header
	body                      []byte
}

func (m message) clone() message {
	m.header = m.header.Clone()
	m.body = bytes.Clone(m.body)
	return m
}

func (m message) receive(t testing.TB) *http.Request {
	target := m.path
	if m.query != "" {
		target += "?" + m.query
	}
	return requestOver(t, m.method, target, m.body, m.header, m.host)
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// text makes a string of up to n pieces.
func text(rng *rand.Rand, n int, pieces ...string) string {
	var b strings.Builder
	for range rng.IntN(n + 1) {
		b.WriteString(pick(rng, pieces...))
	}
	return b.String()
}

var (
	pathPieces  = []string{"/", "//", "a", "B", "0", "-", "_", ".", "..", "~", "%", " ", "+", "é", "日", ":", "@", "&", "=", "!", "*", "'", "(", ")", ",", ";", "$", "[", "|", "\"", "<", "/../", "/./", "service"}
	queryPieces = []string{"a", "B", "0", "-", "_", ".", "~", "%", " ", "+", "é", "/", "&", "=", "?", "#", ";", ":", "*", "%41", "\x00", "X-Amz-"}
	valuePieces = []string{"a", "B", " ", "  ", "   ", ",", ";", "=", "é", "\"", "1", "application/json"}
)

// unsigned makes a random request, as a client holds it before it signs.
func unsigned(t testing.TB, rng *rand.Rand) (*http.Request, []byte) {
	body := []byte(text(rng, 40, "x", "{", "\"é\"", "\n", "0"))
	u := &url.URL{Scheme: pick(rng, "http", "https"), Host: pick(rng, "127.0.0.1:7685", "souk.example", "souk.example:443", "[::1]:8080"), Path: "/" + text(rng, 8, pathPieces...)}
	if rng.IntN(3) == 0 {
		u.Path = "/"
	}
	if rng.IntN(2) == 0 {
		q := url.Values{}
		for range rng.IntN(5) {
			q.Add(text(rng, 3, queryPieces...), text(rng, 4, queryPieces...))
		}
		u.RawQuery = q.Encode()
	}
	r, err := http.NewRequest(pick(rng, "POST", "GET", "PUT", "DELETE", "PATCH"), u.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL = u // String and Parse may have changed it
	r.Header.Set("User-Agent", "test")
	for _, k := range []string{"Content-Type", "X-Amz-Target", "Amz-Sdk-Request", "X-Custom-Thing", "Accept", "Cookie"} {
		for range rng.IntN(3) {
			r.Header.Add(k, "v"+text(rng, 6, valuePieces...))
		}
	}
	return r, body
}

// signOfficially signs with the signer of the AWS SDK for Go.
func signOfficially(t testing.TB, rng *rand.Rand, r *http.Request, body []byte, key Key, region string, when time.Time) message {
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	creds := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.Secret, SessionToken: key.SessionToken}
	signer := v4.NewSigner()
	ctx := context.Background()
	m := message{method: r.Method, body: body}
	if rng.IntN(3) > 0 {
		if rng.IntN(2) == 0 {
			r.Header.Set("X-Amz-Content-Sha256", payload)
		}
		if err := signer.SignHTTP(ctx, creds, r, payload, testService, region, when); err != nil {
			t.Fatal(err)
		}
		m.header = r.Header
		m.host = r.Host
		if m.host == "" {
			m.host = r.URL.Host
		}
		m.path, m.query, _ = strings.Cut(r.URL.RequestURI(), "?")
		return m
	}
	if rng.IntN(2) == 0 {
		q := r.URL.Query()
		q.Set("X-Amz-Expires", fmt.Sprint(1+rng.IntN(604800)))
		r.URL.RawQuery = q.Encode()
	}
	signed, header, err := signer.PresignHTTP(ctx, creds, r, payload, testService, region, when)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(signed)
	if err != nil {
		t.Fatal(err)
	}
	m.header, m.host = header, header.Get("Host")
	m.header.Del("Host")
	m.path, m.query, _ = strings.Cut(u.RequestURI(), "?")
	return m
}

// setAuth changes one part of the claim, in the header or in the query, wherever it is.
func (m *message) setAuth(name string, change func(string) string) bool {
	if a := m.header.Get("Authorization"); a != "" {
		before, rest, ok := strings.Cut(a, name+"=")
		if !ok {
			return false
		}
		value, after, more := strings.Cut(rest, ",")
		changed := change(value)
		if more {
			after = "," + after
		}
		m.header.Set("Authorization", before+name+"="+changed+after)
		return changed != value
	}
	pairs := strings.Split(m.query, "&")
	for i, p := range pairs {
		if value, ok := strings.CutPrefix(p, "X-Amz-"+name+"="); ok {
			plain, err := url.QueryUnescape(value)
			if err != nil {
				return false
			}
			changed := change(plain)
			pairs[i] = "X-Amz-" + name + "=" + url.QueryEscape(changed)
			m.query = strings.Join(pairs, "&")
			return changed != plain
		}
	}
	return false
}

func (m *message) signedHeaders() (names []string) {
	m.setAuth("SignedHeaders", func(s string) string { names = strings.Split(s, ";"); return s })
	return names
}

// changes are the ways to tamper with a message. One that does not apply reports false.
var changes = map[string]func(*message, *rand.Rand) bool{
	"body": func(m *message, rng *rand.Rand) bool {
		if len(m.body) == 0 {
			m.body = []byte("x")
		} else {
			m.body[rng.IntN(len(m.body))] ^= 1 << rng.IntN(8)
		}
		return true
	},
	"body's length": func(m *message, _ *rand.Rand) bool { m.body = append(m.body, ' '); return true },
	"method":        func(m *message, rng *rand.Rand) bool { m.method += "X"; return true },
	"host":          func(m *message, _ *rand.Rand) bool { m.host = "evil." + m.host; return true },
	"path":          func(m *message, _ *rand.Rand) bool { m.path += "z"; return true },
	"path's start":  func(m *message, _ *rand.Rand) bool { m.path = "/z" + m.path; return true },
	"query added":   func(m *message, _ *rand.Rand) bool { m.query += "&zz=1"; return true },
	"query's value": func(m *message, rng *rand.Rand) bool {
		if m.query == "" {
			return false
		}
		pairs := strings.Split(m.query, "&")
		pairs[rng.IntN(len(pairs))] += "z"
		m.query = strings.Join(pairs, "&")
		return true
	},
	"query gone": func(m *message, rng *rand.Rand) bool {
		if m.query == "" {
			return false
		}
		pairs := strings.Split(m.query, "&")
		i := rng.IntN(len(pairs))
		m.query = strings.Join(append(pairs[:i], pairs[i+1:]...), "&")
		return true
	},
	"signed header": func(m *message, rng *rand.Rand) bool {
		key := headerKey(pick(rng, m.signedHeaders()...))
		values := m.header[key]
		if key == "Host" || key == "Content-Length" || len(values) == 0 {
			return false
		}
		values[rng.IntN(len(values))] += "z"
		return true
	},
	"signed header gone": func(m *message, rng *rand.Rand) bool {
		key := headerKey(pick(rng, m.signedHeaders()...))
		if key == "Host" || key == "Content-Length" || len(m.header[key]) == 0 {
			return false
		}
		m.header.Del(key)
		return true
	},
	"signed header twice": func(m *message, rng *rand.Rand) bool {
		key := headerKey(pick(rng, m.signedHeaders()...))
		if key == "Host" || key == "Content-Length" {
			return false
		}
		m.header.Add(key, "z")
		return true
	},
	"list of headers": func(m *message, rng *rand.Rand) bool {
		return m.setAuth("SignedHeaders", func(s string) string {
			_, after, _ := strings.Cut(s, ";")
			return after
		})
	},
	"date": func(m *message, rng *rand.Rand) bool {
		later := func(s string) string {
			when, _ := parseBasic(s)
			return compact(when.Add(pick(rng, -time.Second, time.Second, time.Minute, 24*time.Hour)))
		}
		if s := m.header.Get("X-Amz-Date"); s != "" {
			m.header.Set("X-Amz-Date", later(s))
			return true
		}
		return m.setAuth("Date", later)
	},
	"scope": func(m *message, rng *rand.Rand) bool {
		return m.setAuth("Credential", func(s string) string {
			parts := strings.Split(s, "/")
			parts[rng.IntN(len(parts))] += pick(rng, "1", "a")
			return strings.Join(parts, "/")
		})
	},
	"region": func(m *message, rng *rand.Rand) bool {
		return m.setAuth("Credential", func(s string) string {
			parts := strings.Split(s, "/")
			parts[2] = pick(rng, "ap-southeast-2", "mars-north-1")
			return strings.Join(parts, "/")
		})
	},
	"key id": func(m *message, rng *rand.Rand) bool {
		return m.setAuth("Credential", func(s string) string { return "AKIDOTHER" + s[strings.IndexByte(s, '/'):] })
	},
	"signature": func(m *message, rng *rand.Rand) bool {
		return m.setAuth("Signature", func(s string) string {
			b := []byte(s)
			i := rng.IntN(len(b))
			b[i] = "0123456789abcdef"[(strings.IndexByte("0123456789abcdef", b[i])+1+rng.IntN(15))%16]
			return string(b)
		})
	},
	"signature's case": func(m *message, _ *rand.Rand) bool { return m.setAuth("Signature", strings.ToUpper) },
	"token": func(m *message, _ *rand.Rand) bool {
		if m.header.Get("X-Amz-Security-Token") != "" {
			m.header.Set("X-Amz-Security-Token", "another")
			return true
		}
		return m.setAuth("Security-Token", func(string) string { return "another" })
	},
}

// TestDifferential has the official signer sign random requests. Every one must verify, and none may with one thing changed.
func TestDifferential(t *testing.T) {
	requests := 10_000
	if raceEnabled { // there is one goroutine, and it takes ten times as long
		requests = 1_000
	}
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))

	keys := []Key{
		{testKey, testSecret, ""}, {"AKIDOTHER", "other+secret", ""}, {"ASIAONE", "temporary", "tok+/=="}, {"ASIATWO", "temporary two", strings.Repeat("IQoJ+/", 100)},
	}
	now := testTime
	// The look-up takes any token, so that a changed one has to be found out by its signature.
	look := func(secret func(Key) string) Lookup {
		return func(_ context.Context, id, _ string) (Credential, error) {
			for _, k := range keys {
				if k.AccessKeyID == id {
					return Credential{Secret: secret(k)}, nil
				}
			}
			return Credential{}, ErrUnknownKey
		}
	}
	clock := func() time.Time { return now }
	v := New(Config{Now: clock, Lookup: look(func(k Key) string { return k.Secret })})
	otherSecret := New(Config{Now: clock, Lookup: look(func(k Key) string { return k.Secret + "x" })})

	verified, presigned := 0, 0
	refused := make(map[string]int)
	for i := range requests {
		key := pick(rng, keys...)
		region := pick(rng, "us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1", "aws-global")
		now = testTime.Add(time.Duration(rng.IntN(3*86400)) * time.Second)
		when := now.Add(time.Duration(rng.IntN(600)-300) * time.Second)
		r, body := unsigned(t, rng)
		m := signOfficially(t, rng, r, body, key, region, when)
		if strings.Contains(m.query, "X-Amz-Expires=") { // it may last for a second only
			now = when
		}
		received := m.receive(t)
		res, err := v.Verify(received, m.body, testService)
		if err != nil {
			t.Fatalf("request %d does not verify: %v\n%+v\n%s", i, err, m, err.(*Error).CanonicalRequest)
		}
		if res.AccessKeyID != key.AccessKeyID || res.Region != region || res.SessionToken != key.SessionToken ||
			!res.SignedAt.Equal(when.Truncate(time.Second)) || res.Presigned == (m.header.Get("Authorization") != "") {
			t.Fatalf("request %d: %+v", i, res)
		}
		verified++
		if res.Presigned {
			presigned++
		}
		if _, err := otherSecret.Verify(m.receive(t), m.body, testService); err == nil {
			t.Fatalf("request %d verifies with another secret", i)
		}
		refused["secret"]++
		for name, change := range changes {
			if rng.IntN(2) == 0 { // for the sake of time
				continue
			}
			c := m.clone()
			if !change(&c, rng) {
				continue
			}
			if _, err := v.Verify(c.receive(t), c.body, testService); err == nil {
				t.Fatalf("request %d verifies with another %s:\n%+v\n%+v", i, name, m, c)
			}
			refused[name]++
		}
	}
	total := 0
	for name := range changes {
		total += refused[name]
		if refused[name] < requests/20 {
			t.Errorf("only %d requests with another %s", refused[name], name)
		}
	}
	t.Logf("%d verified, %d of them presigned; %d changed ones refused", verified, presigned, total+refused["secret"])
	if verified != requests || refused["secret"] != requests || presigned < requests/5 || total < 6*requests {
		t.Errorf("too few: %d verified, %d presigned, %d refused", verified, presigned, total)
	}
}
