package attack

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	mebibyte = 1 << 20
	// mostMemory is what a Souk may ever have taken by what comes to its AWS face, in bytes: four times what is usual, and less than what these attacks ask for.
	mostMemory = 256 * mebibyte
	// mostForWorlds is the same by a world file of 4 MiB, which only an operator can send.
	mostForWorlds = 768 * mebibyte
	// mostTime is how long an answer to a flood may take; a hundredth of a second is usual.
	mostTime = 10 * time.Second

	tooLarge = "RequestEntityTooLargeException"
	noSyntax = "SerializationException"
	notValid = "ValidationException"

	bodyLimit = "internal/api (MaxBody)"
	cborNext  = "internal/awsproto/cbor_head.go:cborNext"
	depth     = "internal/awsproto/decoder.go:enter"
)

func floods(t *testing.T, s *siege) {
	t.Run("compressed", func(t *testing.T) { compressedBodies(t, s) })
	t.Run("large", func(t *testing.T) { largeBodies(t, s) })
	t.Run("structures", func(t *testing.T) { structures(t, s) })
	t.Run("headers", func(t *testing.T) { headerFloods(t, s) })
	t.Run("pipelines", func(t *testing.T) { pipelines(t, s) })
	t.Run("smuggling", func(t *testing.T) { smuggling(t, s) })
	t.Run("world files", func(t *testing.T) { worldFiles(t, s) })
}

// memory is the most that a process ever had, in bytes; 0 where the system does not tell.
func memory(t *testing.T, s *souk) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Cmd.Process.Pid))
	if errors.Is(err, os.ErrNotExist) {
		return 0
	} else if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// bounded runs an attack and holds it to time and to memory in bytes.
func bounded(t *testing.T, s *souk, most int, guard string, attack func()) {
	t.Helper()
	before, start := memory(t, s), time.Now()
	attack()
	if took := time.Since(start); took > mostTime {
		t.Errorf("it took %s\nguard: %s", took, guard)
	}
	if after := memory(t, s); after > most {
		t.Errorf("the process has grown from %d to %d MiB\nguard: %s", before/mebibyte, after/mebibyte, guard)
	}
}

// compressedBodies: no SDK compresses for these services, and nothing is ever inflated.
func compressedBodies(t *testing.T, s *siege) {
	const guard = "internal/awsproto/json_decode.go (the body is taken as it is)"
	compress := func(parts ...func(io.Writer)) []byte {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			p(w)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	plain := func(w io.Writer) { _, _ = w.Write(encode(noUsage)) }
	bomb := func(w io.Writer) {
		spaces := bytes.Repeat([]byte{' '}, mebibyte)
		for range 512 { // more than mostMemory
			_, _ = w.Write(spaces)
		}
		_, _ = w.Write([]byte("{}"))
	}
	exploding := compress(bomb)
	if len(exploding) > mebibyte*3 {
		t.Fatalf("the bomb has %d bytes", len(exploding))
	}
	exploding = exploding[:min(len(exploding), mebibyte)]
	for _, encoding := range []string{"gzip", "x-gzip", "deflate", "br", "zstd", "aws-chunked", "gzip, gzip"} {
		for name, body := range map[string][]byte{"small": compress(plain), "bomb": exploding} {
			t.Run(encoding+" "+name, func(t *testing.T) {
				bounded(t, s.dev, mostMemory, guard, func() {
					f := call(s.dev, victim, "BatchMeterUsage", body)
					f.set("Content-Encoding", encoding)
					refused(t, guard, f.sign().send(t, s.dev), http.StatusBadRequest, noSyntax, "")
					f = cborCall(s.dev, victim, "BatchMeterUsage", body)
					f.set("Content-Encoding", encoding)
					refused(t, guard, f.sign().send(t, s.dev), http.StatusBadRequest, noSyntax, "")
					f = call(s.dev, victim, "BatchMeterUsage", body)
					f.framing = "Transfer-Encoding: gzip, chunked"
					refused(t, "net/http, internal/api/listener.go:Write", f.sign().send(t, s.dev), http.StatusBadRequest, malformed, "")
				})
			})
		}
	}
	bounded(t, s.far, mostForWorlds, "internal/world", func() {
		if status, answer := s.far.ask(t, http.MethodPut, "/api/v1/world", "application/yaml", exploding); status < 400 || status > 499 {
			t.Errorf("a compressed world: %d %.200s", status, answer)
		}
	})
	accepted(t, call(s.dev, victim, "BatchMeterUsage", noUsage).sign().send(t, s.dev))
}

// padded is a call that does nothing, of exactly n bytes.
func padded(n int) []byte {
	body := encode(noUsage)
	return append(body, bytes.Repeat([]byte{' '}, n-len(body))...)
}

func chunks(body []byte, size int) []byte {
	var b bytes.Buffer
	for len(body) > 0 {
		n := min(size, len(body))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

func largeBodies(t *testing.T, s *siege) {
	shoot := func(f *forgery) answer { return f.sign().send(t, s.dev) }
	chunked := func(n int) *forgery {
		f := call(s.dev, victim, "BatchMeterUsage", padded(n)).sign()
		f.framing, f.body = "Transfer-Encoding: chunked", chunks(f.body, 64<<10)
		return f
	}
	accepted(t, shoot(call(s.dev, victim, "BatchMeterUsage", padded(mebibyte))))
	accepted(t, chunked(mebibyte).send(t, s.dev))
	const entityTooLarge = http.StatusRequestEntityTooLarge
	refused(t, bodyLimit, shoot(call(s.dev, victim, "BatchMeterUsage", padded(mebibyte+1))), entityTooLarge, tooLarge, "")
	refused(t, bodyLimit, chunked(mebibyte+1).send(t, s.dev), entityTooLarge, tooLarge, "")
	refused(t, bodyLimit, cborCall(s.dev, victim, "BatchMeterUsage", padded(mebibyte+1)).sign().send(t, s.dev), entityTooLarge, tooLarge, "")

	for _, c := range []struct {
		name, framing, code string
		status              int
	}{
		{"a length that is claimed", fmt.Sprint("Content-Length: ", uint64(math.MaxInt64)), tooLarge, entityTooLarge},
		{"a length beyond 64 bits", "Content-Length: 99999999999999999999", malformed, http.StatusBadRequest},
		{"a length below nothing", "Content-Length: -1", malformed, http.StatusBadRequest},
		{"a length with a sign", "Content-Length: +2", malformed, http.StatusBadRequest},
		{"a length in hexadecimal", "Content-Length: 0x2", malformed, http.StatusBadRequest},
		{"a length of nothing", "Content-Length: ", malformed, http.StatusBadRequest},
		{"a large body announced by Expect", fmt.Sprint("Expect: 100-continue\r\nContent-Length: ", 2*mebibyte), tooLarge, entityTooLarge},
		{"another expectation", "Expect: the-unexpected\r\nContent-Length: 0", malformed, http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			bounded(t, s.dev, mostMemory, bodyLimit, func() {
				f := call(s.dev, victim, "BatchMeterUsage", []byte{})
				f.framing = c.framing
				refused(t, bodyLimit+", net/http", shoot(f), c.status, c.code, "")
			})
		})
	}
	t.Run("chunks without end", func(t *testing.T) {
		bounded(t, s.dev, mostMemory, bodyLimit, func() {
			f := call(s.dev, victim, "BatchMeterUsage", noUsage)
			f.framing = "Transfer-Encoding: chunked"
			got, sent := pour(t, s.dev.address(), f.sign().head(), "10000\r\n"+strings.Repeat(" ", 64<<10)+"\r\n")
			refused(t, bodyLimit, got, entityTooLarge, tooLarge, "")
			if sent > 32*mebibyte {
				t.Errorf("it took %d bytes\nguard: %s", sent, bodyLimit)
			}
		})
	})
	for name, piece := range map[string]string{
		"chunks of a byte, with extensions": "1;x=" + strings.Repeat("y", 200) + "\r\n \r\n",
		"a chunk's extension without end":   "1;" + strings.Repeat("x", 64<<10),
		"zeros before a chunk's size":       strings.Repeat("0", 64<<10),
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, s.dev, mostMemory, "net/http", func() {
				f := call(s.dev, victim, "BatchMeterUsage", noUsage)
				f.framing = "Transfer-Encoding: chunked"
				got, sent := pour(t, s.dev.address(), f.sign().head(), piece)
				if got.status != http.StatusBadRequest && got.status != entityTooLarge || sent > 32*mebibyte {
					t.Errorf("%s after %d bytes\nguard: net/http/internal/chunked.go (excess)", got, sent)
				}
			})
		})
	}
	t.Run("an echo", func(t *testing.T) { // a refusal that quotes what it refuses does not quote all of it
		long := strings.Repeat("x", 900_000)
		for operation, body := range map[string]members{
			"BatchMeterUsage": batch("", members{"Timestamp": 1, "Dimension": "d", "CustomerAWSAccountId": long}),
			"MeterUsage":      {"ProductCode": long, "Timestamp": 1, "UsageDimension": long, "ClientToken": long},
			"GetEntitlements": {"ProductCode": long, "NextToken": " ", "Filter": members{long: []string{long[:10]}}},
		} {
			f := call(s.dev, victim, operation, body)
			if len(f.body) > mebibyte {
				f.body = bytes.ReplaceAll(f.body, []byte(long), []byte(long[:300_000]))
			}
			got := shoot(f)
			refused(t, "internal/awsproto/validate.go", got, http.StatusBadRequest, notValid, "")
			if len(got.body) > 64<<10 {
				t.Errorf("%s: an answer of %d bytes\nguard: internal/awsproto/validate.go", operation, len(got.body))
			}
		}
	})
	accepted(t, call(s.dev, victim, "BatchMeterUsage", noUsage).sign().send(t, s.dev))
}

// pour writes head, and then piece again and again until the other side has had enough or 256 MiB are through.
func pour(t *testing.T, address, head, piece string) (a answer, sent int) {
	t.Helper()
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	done := make(chan int)
	go func() {
		n, err := io.WriteString(c, head)
		for err == nil && n < 256*mebibyte {
			var m int
			m, err = io.WriteString(c, piece)
			n += m
		}
		done <- n
	}()
	a, err = readAnswer(bufio.NewReader(c))
	if err != nil {
		t.Errorf("no answer to a flood: %v", err)
	}
	c.Close()
	return a, <-done
}

// structures: small bodies that ask for much.
func structures(t *testing.T, s *siege) {
	nested := func(head, open string, n int, end string) []byte { return []byte(head + strings.Repeat(open, n) + end) }
	many := func(piece string, n int) []byte {
		return []byte(`{"UsageRecords":[],` + strings.Repeat(piece+",", n) + `"z":1}`)
	}
	distinct := func(n int) []byte {
		var b strings.Builder
		b.WriteString(`{"UsageRecords":[]`)
		for i := range n {
			fmt.Fprintf(&b, `,"%x":%d`, i, i)
		}
		return []byte(b.String() + "}")
	}
	for _, c := range []struct {
		name, guard string
		body        []byte
		code        string // "": the operation succeeds
	}{
		{"128 levels", depth, nested(`{"UsageRecords":[],"x":`, "[", 127, strings.Repeat("]", 127)+"}"), ""},
		{"129 levels", depth, nested(`{"UsageRecords":[],"x":`, "[", 128, strings.Repeat("]", 128)+"}"), noSyntax},
		{"a million lists", depth, nested("", "[", 1_000_000, ""), noSyntax},
		{"lists within a member", depth, nested(`{"x":`, "[", 500_000, strings.Repeat("]", 500_000)+"}"), noSyntax},
		{"objects within each other", depth, nested("", `{"a":`, 200_000, "1"), noSyntax},
		{"170,000 members of one name", "internal/awsproto/json_decode.go", many(`"a":1`, 170_000), ""},
		{"80,000 members of names of their own", "internal/awsproto/json_decode.go", distinct(80_000), ""},
		{"one member 50,000 times", "internal/awsproto/decoder.go", many(`"UsageRecords":[]`, 50_000), ""},
		{"300,000 records", "internal/awsproto/shapes_metering.go", []byte(`{"UsageRecords":[` + strings.Repeat("{},", 300_000) + `{}]}`), notValid},
		{"26 records", "internal/awsproto/shapes_metering.go", []byte(`{"UsageRecords":[` + strings.Repeat(`{"Timestamp":1,"Dimension":"d"},`, 25) + `{"Timestamp":1,"Dimension":"d"}]}`), notValid},
		{"a number of 900,000 digits", "internal/awsproto/json_number.go", []byte(`{"UsageRecords":[{"Timestamp":` + strings.Repeat("9", 900_000) + `,"Dimension":"d","CustomerAWSAccountId":"1"}]}`), "InvalidProductCodeException"},
		{"a fraction of 900,000 digits", "internal/awsproto/json_number.go", []byte(`{"UsageRecords":[{"Timestamp":0.` + strings.Repeat("9", 900_000) + `,"Dimension":"d","CustomerAWSAccountId":"1"}]}`), "InvalidProductCodeException"},
		{"an exponent beyond all bounds", "internal/awsproto/json_number.go", []byte(`{"UsageRecords":[{"Timestamp":1e999999999999,"Dimension":"d","CustomerAWSAccountId":"1"}]}`), "InvalidProductCodeException"},
		{"an exponent below all bounds", "internal/awsproto/json_number.go", []byte(`{"UsageRecords":[{"Timestamp":1e-999999999999,"Dimension":"d","CustomerAWSAccountId":"1"}]}`), "InvalidProductCodeException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bounded(t, s.dev, mostMemory, c.guard, func() {
				got := call(s.dev, victim, "BatchMeterUsage", c.body).sign().send(t, s.dev)
				if c.code == "" {
					accepted(t, got)
				} else {
					refused(t, c.guard, got, http.StatusBadRequest, c.code, "")
				}
			})
		})
	}
	head := "\xa2" + string(cborString("UsageRecords")) + "\x80" + string(cborString("x"))
	claims := func(major byte) []byte {
		return []byte(head + string([]byte{major<<5 | 27, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}))
	}
	for _, c := range []struct {
		name, guard string
		body        []byte
		code        string
	}{
		{"CBOR: 127 levels", depth, []byte(head + strings.Repeat("\x81", 127) + "\x01"), ""},
		{"CBOR: 128 levels", depth, []byte(head + strings.Repeat("\x81", 128) + "\x01"), noSyntax},
		{"CBOR: a million lists", depth, []byte(head + strings.Repeat("\x81", 1_000_000)), noSyntax},
		{"CBOR: a million lists without a length", depth, []byte(head + strings.Repeat("\x9f", 1_000_000)), noSyntax},
		{"CBOR: a million maps", depth, []byte(head + strings.Repeat("\xa1\x01", 500_000)), noSyntax},
		{"CBOR: a million tags", depth, []byte(head + strings.Repeat("\xc1", 1_000_000)), noSyntax},
		{"CBOR: chunks within chunks", cborNext, []byte(head + strings.Repeat("\x5f", 1_000_000)), noSyntax},
		{"CBOR: octets without end", cborNext, claims(2), noSyntax},
		{"CBOR: text without end", cborNext, claims(3), noSyntax},
		{"CBOR: a list without end", cborNext, claims(4), noSyntax},
		{"CBOR: a map without end", cborNext, claims(5), noSyntax},
		{"CBOR: a list of a billion nothings", cborNext, append([]byte(head+"\x9a\x40\x00\x00\x00"), make([]byte, 1000)...), noSyntax},
		{"CBOR: records without end", cborNext, []byte("\xa1" + string(cborString("UsageRecords")) + "\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"), noSyntax},
		{"CBOR: a text of two gigabytes", cborNext, []byte("\xa1" + string(cborString("ProductCode")) + "\x7a\x80\x00\x00\x00abc"), noSyntax},
		{"CBOR: a head cut short", cborNext, []byte(head + "\x9b\xff"), noSyntax},
		{"CBOR: a million breaks", cborNext, []byte(head + strings.Repeat("\xff", 1_000_000)), noSyntax},
		{"CBOR: 300,000 records", "internal/awsproto/shapes_metering.go", []byte("\xa1" + string(cborString("UsageRecords")) + "\x9f" + strings.Repeat("\xa0", 300_000) + "\xff"), notValid},
	} {
		t.Run(c.name, func(t *testing.T) {
			bounded(t, s.dev, mostMemory, c.guard, func() {
				got := cborCall(s.dev, victim, "BatchMeterUsage", c.body).sign().send(t, s.dev)
				if c.code == "" {
					accepted(t, got)
				} else {
					refused(t, c.guard, got, http.StatusBadRequest, c.code, "")
				}
			})
		})
	}
}

func headerFloods(t *testing.T, s *siege) {
	const guard = "internal/api/server.go:maxHeader"
	const tooLargeStatus = http.StatusRequestEntityTooLarge
	ask := func(change func(f *forgery)) answer {
		f := call(s.dev, victim, "BatchMeterUsage", noUsage).sign()
		change(f)
		return f.send(t, s.dev)
	}
	accepted(t, ask(func(f *forgery) { f.set("X-Padding", strings.Repeat("x", 15_000)) }))
	accepted(t, ask(func(f *forgery) {
		for i := range 1000 {
			f.add("X-"+strconv.Itoa(i), "")
		}
	}))
	refused(t, guard, ask(func(f *forgery) { f.set("X-Padding", strings.Repeat("x", 17_000)) }), tooLargeStatus, tooLarge, "")
	refused(t, guard, ask(func(f *forgery) {
		for range 10_000 {
			f.add("X", "")
		}
	}), tooLargeStatus, tooLarge, "")
	refused(t, guard, ask(func(f *forgery) { f.target = "/" + strings.Repeat("x", 17_000) }), tooLargeStatus, tooLarge, "")
	refused(t, guard, ask(func(f *forgery) { f.set("X-Padding", strings.Repeat("x", 8*mebibyte)) }), tooLargeStatus, tooLarge, "")
	refused(t, "net/http", ask(func(f *forgery) { f.method = strings.Repeat("P", 17_000) }), tooLargeStatus, tooLarge, "")

	for name, piece := range map[string]string{"headers without end": "X: y\r\n", "a header without end": "x", "lines that go on": " x\r\n"} {
		t.Run(name, func(t *testing.T) {
			bounded(t, s.dev, mostMemory, guard, func() {
				got, sent := pour(t, s.dev.address(), "POST / HTTP/1.1\r\nHost: "+s.dev.address()+"\r\nX: ", strings.Repeat(piece, 1000))
				refused(t, guard, got, tooLargeStatus, tooLarge, "")
				if sent > 32*mebibyte {
					t.Errorf("it took %d bytes\nguard: %s", sent, guard)
				}
			})
			bounded(t, s.dev, mostMemory, "cmd/souk/serve.go:startNode (MaxHeaderBytes)", func() {
				got, sent := pour(t, s.dev.gate(), "GET / HTTP/1.1\r\nHost: "+s.dev.gate()+"\r\nX: ", strings.Repeat(piece, 1000))
				if got.status != http.StatusRequestHeaderFieldsTooLarge || sent > 32*mebibyte {
					t.Errorf("the control listener: %s after %d bytes", got, sent)
				}
			})
		})
	}
}

// pipelines: each request of a connection is judged for itself, and answered in its turn.
func pipelines(t *testing.T, s *siege) {
	good, forged := call(s.dev, victim, "BatchMeterUsage", noUsage).sign(), call(s.dev, victim, "BatchMeterUsage", noUsage)
	forged.key.secret = rival.secret
	unsigned := call(s.dev, victim, "BatchMeterUsage", noUsage)
	var raw []byte
	for _, f := range []*forgery{good, forged.sign(), good, unsigned, good} {
		raw = append(append(raw, f.head()...), f.body...)
	}
	got := exchange(t, s.dev.address(), raw, 5)
	if len(got) != 5 {
		t.Fatalf("%d answers: %v", len(got), got)
	}
	const guard = "internal/api/call.go:begin (a call forgets the one before)"
	ids := map[string]bool{}
	for i, code := range []string{"", badSig, "", noToken, ""} {
		if code == "" {
			accepted(t, got[i])
		} else {
			refused(t, guard, got[i], http.StatusBadRequest, code, "")
		}
		ids[got[i].header.Get("X-Amzn-Requestid")] = true
	}
	if len(ids) != 5 {
		t.Errorf("%d request ids in 5 answers", len(ids))
	}
}

// smuggling: requests that two servers could cut in different places. They are refused, or read in the one way that the standard has, and the connection ends.
func smuggling(t *testing.T, s *siege) {
	hidden := call(s.dev, victim, "BatchMeterUsage", noUsage).sign()
	second := hidden.head() + string(hidden.body)
	accepted(t, exchange(t, s.dev.address(), []byte(second))[0])
	start := "POST / HTTP/1.1\r\nHost: " + s.dev.address() + "\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: AWSMPMeteringService.BatchMeterUsage\r\n"
	for name, request := range map[string]string{
		"two lengths":                       start + "Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}",
		"a list of lengths":                 start + "Content-Length: 2, 2\r\n\r\n{}",
		"a length and chunks":               start + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", len(second)+5),
		"chunks and a length":               start + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
		"a coding that is not known":        start + "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n",
		"chunked and another":               start + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
		"identity":                          start + "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
		"chunked twice":                     start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"a vertical tab before it":          start + "Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n\r\n",
		"a space before the colon":          start + "Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n",
		"a space before the colon of one":   start + "Content-Length : 100\r\nContent-Length: 0\r\n\r\n",
		"a folded coding":                   start + "X: y\r\nTransfer-Encoding:\r\n\t xchunked\r\nContent-Length: 0\r\n\r\n",
		"a line without a colon":            start + "Transfer-Encoding\r\nContent-Length: 0\r\n\r\n",
		"a bare carriage return":            start + "X: y\rContent-Length: 100\r\nContent-Length: 0\r\n\r\n",
		"NUL in a value":                    start + "X: y\x00z\r\nContent-Length: 0\r\n\r\n",
		"NUL in a name":                     start + "X\x00: y\r\nContent-Length: 0\r\n\r\n",
		"two hosts":                         start + "Host: elsewhere.example\r\nContent-Length: 0\r\n\r\n",
		"no host":                           "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
		"a host that is none":               "POST / HTTP/1.1\r\nHost: a b\r\nContent-Length: 0\r\n\r\n",
		"a chunk's size with a sign":        start + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n",
		"a chunk's size beyond 64 bits":     start + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
		"a chunk that is longer than it is": start + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
		"a chunk that ends in a line feed":  start + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n",
		"HTTP/1.0 with chunks":              strings.Replace(start, "HTTP/1.1", "HTTP/1.0", 1) + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		"HTTP/0.9":                          "POST /\r\n\r\n",
		"HTTP/3":                            strings.Replace(start, "HTTP/1.1", "HTTP/3.0", 1) + "Content-Length: 0\r\n\r\n",
		"HTTP/2 without TLS":                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"a space in the target":             strings.Replace(start, "POST /", "POST / /", 1) + "Content-Length: 0\r\n\r\n",
		"a method that is none":             strings.Replace(start, "POST", "PO(ST", 1) + "Content-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := exchange(t, s.dev.address(), []byte(request+second), 2)
			if got[0].status < 400 {
				t.Errorf("it was let in: %s\nguard: net/http", got[0])
			}
			if len(got) > 1 {
				t.Errorf("what was hidden behind it was answered: %s, then %s\nguard: net/http, internal/api/server.go:ServeHTTP (chunks)", got[0], got[1])
			}
		})
	}
	t.Run("a length and chunks, to the control listener", func(t *testing.T) {
		second := "GET /healthz HTTP/1.1\r\nHost: " + s.dev.gate() + "\r\n\r\n"
		got := exchange(t, s.dev.gate(), []byte(fmt.Sprintf("POST /api/v1/purchases HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n%s",
			s.dev.gate(), len(second)+5, second)), 2)
		if len(got) != 1 || got[0].status != http.StatusBadRequest {
			t.Errorf("%v\nguard: internal/admin/guard.go:ServeHTTP (chunks)", got)
		}
		if got := exchange(t, s.dev.gate(), []byte(second+second), 2); len(got) != 2 || got[1].status != http.StatusOK {
			t.Errorf("honest requests in one connection: %v", got)
		}
	})
}

// worldFiles that are small and unfold.
func worldFiles(t *testing.T, s *siege) {
	const guard = "go.yaml.in/yaml (aliases, depth), internal/world/reader.go"
	var laughs strings.Builder
	laughs.WriteString("version: 1\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	fmt.Fprint(&laughs, "accounts: *a11\n")
	for name, file := range map[string]string{
		"a billion laughs":             laughs.String(),
		"a mapping that merges itself": "version: 1\naccounts: &a [{<<: *a}]\n",
		"an alias of itself":           "version: 1\naccounts: &a [*a]\n",
		"depth":                        "version: 1\naccounts: " + strings.Repeat("[", 200_000),
		"depth of mappings":            "version: 1\naccounts: " + strings.Repeat("{a: ", 200_000),
		"a policy's depth":             "version: 1\npolicies: [{account: \"" + victimAccount + "\", name: Deep, document: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}]",
		"half a million keys":          "version: 1\n" + strings.Repeat("k: 1\n", 500_000),
	} {
		t.Run(name, func(t *testing.T) {
			bounded(t, s.far, mostForWorlds, guard, func() {
				if status, answer := s.far.ask(t, http.MethodPut, "/api/v1/world", "application/yaml", []byte(file)); status != http.StatusUnprocessableEntity || len(answer) > mebibyte {
					t.Errorf("want 422, got %d, %d bytes: %.300s\nguard: %s", status, len(answer), answer, guard)
				}
			})
		})
	}
	s.far.apply(t, world)
}
