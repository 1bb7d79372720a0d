package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/awsproto"
	"github.com/souk-market/souk/internal/reqlog"
)

// message is a request or a response as the page shows it.
type message struct {
	Line    string // its first
	Headers []reqlog.Header
	Body    string
	Notes   []string // what is not shown, and why
}

const (
	maxShownBody    = 16 << 10 // bytes of a body that the page shows, and sends again
	maxShownHeaders = 100
)

func isCBOR(v reqlog.View) bool { return v.Protocol == awsproto.CBOR.String() }

func requestMessage(v reqlog.View) message {
	m := message{Line: shortened(v.Method+" "+v.Target+" "+v.Proto, maxShown), Headers: []reqlog.Header{{Name: "Host", Value: shortened(v.Host, 255)}}}
	m.addHeaders(v.Headers)
	switch {
	case v.BodySize == 0:
		m.note("There is no body.")
	case isCBOR(v):
		m.note("The body is CBOR, a binary form, shown in hexadecimal: " + sizeWords(v.BodySize) + ".")
	}
	m.addBody(v.Body)
	if v.Truncated() {
		m.note("The body had " + sizeWords(v.BodySize) + ". Souk keeps the beginning of large bodies only.")
	}
	if reqlog.Masked(v.Body) {
		m.note("Secrets are masked.")
	}
	return m
}

// responseMessage is the answer. The log keeps no headers of it, for they follow from the rest: they are written here as they were then.
func responseMessage(v reqlog.View) message {
	var m message
	if v.Status == 0 {
		m.Line = "No answer: the connection was closed."
		if v.Response != "" {
			m.note("This is what would have been answered.")
		}
		m.addBody(v.Response)
		return m
	}
	m.Line = strings.TrimSpace(shortened(v.Proto, 20) + " " + strconv.Itoa(v.Status) + " " + http.StatusText(v.Status))
	codec := protocolOf(v.Protocol).Codec()
	h := http.Header{}
	var fault *awsproto.Fault
	if v.ErrorCode != "" {
		fault = &awsproto.Fault{Status: v.Status, Code: v.ErrorCode, Message: v.ErrorMessage, Namespace: awsproto.NamespaceCoral}
	}
	codec.SetHeader(h, fault)
	h["Content-Type"], h["X-Amzn-Requestid"] = []string{codec.ContentType()}, []string{v.ID}
	var list []reqlog.Header
	for name, values := range h {
		for _, value := range values {
			list = append(list, reqlog.Header{Name: name, Value: value})
		}
	}
	slices.SortFunc(list, func(a, b reqlog.Header) int { return strings.Compare(a.Name, b.Name) })
	m.addHeaders(list)
	if isCBOR(v) && v.Response != "" {
		m.note("The body is CBOR, a binary form, shown in hexadecimal.")
	}
	m.addBody(v.Response)
	if len(v.Response) >= reqlog.MaxBody {
		m.note("Souk keeps the first " + sizeWords(reqlog.MaxBody) + " of an answer only.")
	}
	return m
}

func protocolOf(name string) awsproto.Protocol {
	for _, p := range []awsproto.Protocol{awsproto.JSON10, awsproto.CBOR} {
		if p.String() == name {
			return p
		}
	}
	return awsproto.JSON11
}

func (m *message) note(text string) { m.Notes = append(m.Notes, text) }

func (m *message) addHeaders(list []reqlog.Header) {
	for i, h := range list {
		if i == maxShownHeaders {
			m.note(plural(len(list)-i, "more header is", "more headers are") + " not shown.")
			break
		}
		m.Headers = append(m.Headers, reqlog.Header{Name: shortened(h.Name, 128), Value: shortened(h.Value, maxShown)})
	}
}

// addBody shows a body, JSON with line breaks.
func (m *message) addBody(body string) {
	var b bytes.Buffer
	if json.Indent(&b, []byte(body), "", "  ") == nil && b.Len() > 0 {
		body = b.String()
	}
	shown := body
	if len(body) > maxShownBody {
		shown = body[:maxShownBody]
		for !utf8.ValidString(shown) && len(shown) > maxShownBody-utf8.UTFMax {
			shown = shown[:len(shown)-1]
		}
		m.note(sizeWords(len(body)-len(shown)) + " more are not shown here: souk requests show --json has all that is kept.")
	}
	m.Body = plain(shown)
}

// bodyToSend is the request's body as it can be shown in a program and sent again, and what is to be known about it. It is "" if there is none to be had.
func bodyToSend(v reqlog.View) (body, note string) {
	switch {
	case v.Truncated() || len(v.Body) > maxShownBody:
		return "", "The body is too large to be repeated here."
	case isCBOR(v):
		note = "The request came in CBOR, whose members are not written out here: add what it had beside the product code."
		if v.ProductCode == "" {
			return "{}", note
		}
		return `{"ProductCode":` + jsonQuote(v.ProductCode) + `}`, note
	case strings.ContainsRune(v.Body, 0):
		return "", "The body has bytes in it that cannot be written into a command."
	case reqlog.Masked(v.Body):
		return v.Body, "Secrets are masked: put the real token in the place of the one with “…”."
	}
	return v.Body, ""
}
