package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	mismatch   = "The request signature we calculated does not match"
	badSig     = "InvalidSignatureException"
	incomplete = "IncompleteSignatureException"
	noToken    = "MissingAuthenticationTokenException"
	noClient   = "UnrecognizedClientException"
	unknownOp  = "UnknownOperationException"
	malformed  = "MalformedHttpRequestException"
)

const (
	matches         = "internal/sigv4/verify.go:matches"
	canonical       = "internal/sigv4/canonical.go:canonicalRequest"
	signedHeader    = "internal/sigv4/canonical.go:appendHeader"
	headerClaim     = "internal/sigv4/claim.go:readHeader"
	queryClaim      = "internal/sigv4/claim.go:readQuery"
	claimHeaders    = "internal/sigv4/claim.go:checkHeaders"
	claimScope      = "internal/sigv4/claim.go:checkScope"
	claimCredential = "internal/sigv4/claim.go:splitCredential"
	claimRead       = "internal/sigv4/claim.go:read"
	payloadHash     = "internal/sigv4/verify.go:VerifyAt (X-Amz-Content-Sha256)"
	route           = "internal/awsproto/route.go:"
	lookup          = "internal/account/session.go:Lookup"
)

// forgeCase turns an honest request, which is not signed yet, into a forgery. The honest one is sent as well, signed and otherwise as it is.
type forgeCase struct {
	name  string
	guard string
	forge func(f *forgery)
	code  string
	text  string // a part of the message
}

// forgeries: all are a call of ResolveCustomer by the victim.
var forgeries = []forgeCase{
	{"no signature at all", claimRead, func(*forgery) {}, noToken, ""},
	{"upper-case digits", matches, func(f *forgery) { f.sign().edit(f.signature(), strings.ToUpper(f.signature())) }, badSig, mismatch},
	{"a digit less", matches, func(f *forgery) { f.sign().edit(f.signature(), f.signature()[:63]) }, badSig, mismatch},
	{"a digit more", matches, func(f *forgery) { f.sign().edit(f.signature(), f.signature()+"0") }, badSig, mismatch},
	{"one digit", matches, func(f *forgery) { f.sign().edit(f.signature(), f.signature()[:1]) }, badSig, mismatch},
	{"white space before it", headerClaim, func(f *forgery) { f.sign().edit("Signature=", "Signature= ") }, badSig, mismatch},
	{"0x before it", matches, func(f *forgery) { f.sign().edit("Signature=", "Signature=0x") }, badSig, mismatch},
	{"zeros", matches, func(f *forgery) { f.sign().edit(f.signature(), strings.Repeat("0", 64)) }, badSig, mismatch},
	{"empty", headerClaim, func(f *forgery) { f.sign().edit(f.signature(), "") }, incomplete, "requires 'Signature'"},
	{"left out", headerClaim, func(f *forgery) { f.sign().edit(", Signature="+f.signature(), "") }, incomplete, "requires 'Signature'"},
	{"twice, the second wrong", headerClaim, func(f *forgery) { f.sign().edit("Signature=", "Signature="+f.signature()+", Signature=f") }, badSig, mismatch},
	{"not a key with a value", headerClaim, func(f *forgery) { f.sign().edit("Signature=", "Signature:") }, incomplete, "missing equal-sign"},

	{"two Authorization headers that complete each other", claimRead, func(f *forgery) {
		f.sign()
		signature := f.signature()
		f.edit(", Signature="+signature, "")
		f.add("Authorization", "Signature="+signature)
	}, incomplete, "requires 'Signature'"},
	{"a wrong Authorization header before the right one", claimRead, func(f *forgery) {
		right := f.sign().get("Authorization")
		f.edit(f.signature(), strings.Repeat("a", 64))
		f.add("Authorization", right)
	}, badSig, mismatch},
	{"another scheme before the right one", claimRead, func(f *forgery) {
		right := f.sign().get("Authorization")
		f.set("Authorization", "Bearer "+f.key.id)
		f.add("Authorization", right)
	}, noToken, ""},

	{"SigV4A", claimCredential, func(f *forgery) { f.algorithm = "AWS4-ECDSA-P256-SHA256"; f.sign() }, incomplete, "Unsupported AWS 'algorithm'"},
	{"SHA-1", claimCredential, func(f *forgery) { f.algorithm = "AWS4-HMAC-SHA1"; f.sign() }, incomplete, "Unsupported AWS 'algorithm'"},
	{"lower-case algorithm", claimRead, func(f *forgery) { f.algorithm = "aws4-hmac-sha256"; f.sign() }, noToken, ""},
	{"Signature Version 2", claimRead, func(f *forgery) { f.sign().set("Authorization", "AWS "+f.key.id+":c2lnbmF0dXJl") }, noToken, ""},

	{"another secret", matches, func(f *forgery) { f.key.secret = rival.secret; f.sign() }, badSig, mismatch},
	{"an empty secret", matches, func(f *forgery) { f.key.secret = ""; f.sign() }, badSig, mismatch},
	{"another key's id after the signing", matches, func(f *forgery) { f.sign().edit(victim.id, rival.id) }, badSig, mismatch},
	{"an unknown id", lookup, func(f *forgery) { f.key.id = "AKIAATTACKNOBODY0001"; f.sign() }, noClient, "is invalid."},
	{"an id in lower case", lookup, func(f *forgery) { f.key.id = strings.ToLower(f.key.id); f.sign() }, noClient, "is invalid."},
	{"an empty id", lookup, func(f *forgery) { f.key.id = ""; f.sign() }, noClient, "is invalid."},
	{"an inactive key", "internal/account/directory.go:key", func(f *forgery) { f.key = inactive; f.sign() }, noClient, "is invalid."},
	{"a very long id", "internal/sigv4/verify.go:lookup", func(f *forgery) { f.key.id = strings.Repeat("A", 4000); f.sign() }, noClient, "is invalid."},

	{"scope of another service", claimScope, func(f *forgery) { f.service = "sts"; f.sign() }, badSig, "Credential should be scoped to correct service: 'aws-marketplace'. "},
	{"scope of another service after the signing", claimScope, func(f *forgery) { f.sign().edit("/aws-marketplace/", "/iam/") }, badSig, "correct service"},
	{"scope of another Region after the signing", matches, func(f *forgery) { f.sign().edit("/us-east-1/", "/eu-west-1/") }, badSig, mismatch},
	{"scope of no Region", claimScope, func(f *forgery) { f.region = "US EAST"; f.sign() }, badSig, "valid region"},
	{"scope of yesterday", claimScope, func(f *forgery) { f.scopeDate = f.at.UTC().AddDate(0, 0, -1).Format("20060102"); f.sign() }, badSig, "Date in Credential scope does not match"},
	{"scope with another terminator", claimScope, func(f *forgery) { f.sign().edit("/aws4_request", "/aws4_anything") }, badSig, "valid terminator"},
	{"scope of four parts", claimCredential, func(f *forgery) { f.sign().edit("/us-east-1/", "/") }, incomplete, "exactly 5 slash-delimited elements"},
	{"scope of six parts", claimCredential, func(f *forgery) { f.sign().edit("/us-east-1/", "/us-east-1/us-east-1/") }, incomplete, "exactly 5 slash-delimited elements"},

	{"another operation", signedHeader, func(f *forgery) { f.sign().set("X-Amz-Target", "AWSMPMeteringService.BatchMeterUsage") }, badSig, mismatch},
	{"two operations", route + "routeJSON", func(f *forgery) { f.sign().add("X-Amz-Target", "AWSMPMeteringService.BatchMeterUsage") }, unknownOp, "must not be repeated"},
	{"two operations, both signed", route + "routeJSON", func(f *forgery) { f.add("X-Amz-Target", "AWSMPMeteringService.BatchMeterUsage"); f.sign() }, unknownOp, "must not be repeated"},
	{"another content type", signedHeader, func(f *forgery) { f.sign().set("Content-Type", "application/json") }, badSig, mismatch},
	{"a second content type", signedHeader, func(f *forgery) { f.sign().add("Content-Type", "application/json") }, badSig, mismatch},
	{"another host", signedHeader, func(f *forgery) { f.sign().set("Host", "metering.marketplace.us-east-1.amazonaws.com") }, badSig, mismatch},
	{"another host in the request target", signedHeader, func(f *forgery) { f.sign().target = "http://elsewhere.example/" }, badSig, mismatch},
	{"another port", signedHeader, func(f *forgery) { f.sign().set("Host", "127.0.0.1:1") }, badSig, mismatch},
	{"two hosts", "net/http", func(f *forgery) { f.sign().add("Host", "elsewhere.example") }, malformed, ""},
	{"a signed header taken away", signedHeader, func(f *forgery) { f.set("X-Amz-Meta", "1"); f.sign().drop("X-Amz-Meta") }, badSig, mismatch},
	{"an empty signed header taken away", signedHeader, func(f *forgery) { f.set("X-Amz-Meta", ""); f.sign().drop("X-Amz-Meta") }, badSig, mismatch},
	{"two values of a signed header the other way round", signedHeader, func(f *forgery) {
		f.add("X-Amz-Meta", "1")
		f.add("X-Amz-Meta", "2")
		f.sign().drop("X-Amz-Meta")
		f.add("X-Amz-Meta", "2")
		f.add("X-Amz-Meta", "1")
	}, badSig, mismatch},
	{"a signed header twice in the list", claimHeaders, func(f *forgery) {
		f.names = []string{"content-type", "host", "host", "x-amz-date", "x-amz-target"}
		f.sign()
	}, incomplete, "'SignedHeaders' must be"},
	{"a header more in the list after the signing", signedHeader, func(f *forgery) { f.sign().edit("SignedHeaders=", "SignedHeaders=accept;") }, badSig, mismatch},
	{"a header less in the list after the signing", canonical, func(f *forgery) { f.sign().edit(";x-amz-target", "") }, badSig, mismatch},
	{"a list of 101", claimHeaders, func(f *forgery) {
		for i := range 97 {
			f.set(fmt.Sprintf("X-M%02d", i), "")
		}
		f.sign()
	}, incomplete, "at most 100"},
	{"an unsigned host", claimHeaders, func(f *forgery) { f.names = []string{"content-type", "x-amz-date", "x-amz-target"}; f.sign() }, badSig, "'Host' must be a 'SignedHeader'"},
	{"an unsigned date", claimHeaders, func(f *forgery) { f.names = []string{"content-type", "host", "x-amz-target"}; f.sign() }, badSig, "'X-Amz-Date' must be a 'SignedHeader'"},
	{"an empty list", claimHeaders, func(f *forgery) { f.names = []string{}; f.sign() }, badSig, "'Host' must be a 'SignedHeader'"},
	{"a target in a header that is folded", "net/http, " + route + "routeJSON", func(f *forgery) { f.sign().set("X-Amz-Target", "AWSMPMeteringService.\r\n ResolveCustomer") }, unknownOp, ""},
	{"a signature in a line that continues another header", claimRead, func(f *forgery) {
		f.sign()
		all := f.get("Authorization")
		f.drop("Authorization")
		f.add("X-Other", "x\r\n Authorization: "+all)
	}, noToken, ""},

	{"another body", payloadHash, func(f *forgery) { f.sign().body = []byte(`{"RegistrationToken":"another"}`) }, badSig, mismatch},
	{"another body under the hash of the first", payloadHash, func(f *forgery) {
		f.set("X-Amz-Content-Sha256", digest(f.body))
		f.sign().body = []byte(`{"RegistrationToken":"another"}`)
	}, badSig, "'x-amz-content-sha256' header does not match"},
	{"another body under its own hash", signedHeader, func(f *forgery) {
		f.set("X-Amz-Content-Sha256", digest(f.body))
		f.sign().body = []byte(`{"RegistrationToken":"another"}`)
		f.set("X-Amz-Content-Sha256", digest(f.body))
	}, badSig, mismatch},
	{"white space more in the body", payloadHash, func(f *forgery) { f.sign().body = append([]byte{' '}, f.body...) }, badSig, mismatch},
	{"UNSIGNED-PAYLOAD", payloadHash, func(f *forgery) {
		f.payload = "UNSIGNED-PAYLOAD"
		f.set("X-Amz-Content-Sha256", f.payload)
		f.sign()
	}, badSig, "'x-amz-content-sha256' header does not match"},
	{"UNSIGNED-PAYLOAD without a header", payloadHash, func(f *forgery) { f.payload = "UNSIGNED-PAYLOAD"; f.sign() }, badSig, mismatch},
	{"STREAMING", payloadHash, func(f *forgery) {
		f.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
		f.set("X-Amz-Content-Sha256", f.payload)
		f.sign()
	}, badSig, "'x-amz-content-sha256' header does not match"},
	{"two hashes, the first one right", payloadHash, func(f *forgery) {
		f.set("X-Amz-Content-Sha256", digest(f.body))
		f.add("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		f.sign()
	}, badSig, "'x-amz-content-sha256' header does not match"},

	{"signed for PUT", canonical, func(f *forgery) { f.method = "PUT"; f.sign().method = "POST" }, badSig, mismatch},
	{"signed for GET", canonical, func(f *forgery) { f.method = "GET"; f.sign().method = "POST" }, badSig, mismatch},
	{"signed for another path", canonical, func(f *forgery) { f.target = "/elsewhere"; f.sign().target = "/" }, badSig, mismatch},
	{"a segment that normalizes away, and one that does not", canonical, func(f *forgery) { f.sign().target = "//x/./" }, badSig, mismatch},
	{"an escaped path", canonical, func(f *forgery) { f.target = "/a/b"; f.sign().target = "/a%2Fb" }, badSig, mismatch},
	{"a parameter more", canonical, func(f *forgery) { f.sign().target = "/?x=1" }, badSig, mismatch},
	{"another parameter", canonical, func(f *forgery) { f.target = "/?x=1"; f.sign().target = "/?x=2" }, badSig, mismatch},
	{"two parameters joined by an escape", canonical, func(f *forgery) { f.target = "/?a=1&b=2"; f.sign().target = "/?a=1%26b=2" }, badSig, mismatch},

	{"presigned, and a header as well", claimRead, func(f *forgery) {
		f.presign("300")
		f.add("Authorization", "AWS4-HMAC-SHA256 Credential="+f.key.id)
	}, badSig, "Found both"},
	{"presigned for another operation", signedHeader, func(f *forgery) { f.presign("300").set("X-Amz-Target", "AWSMPMeteringService.BatchMeterUsage") }, badSig, mismatch},
	{"presigned, a parameter more", canonical, func(f *forgery) { f.presign("300").target += "&x=1" }, badSig, mismatch},
	{"presigned, the signature again and wrong, first", queryClaim, func(f *forgery) {
		f.presign("300").target = strings.Replace(f.target, "/?", "/?X-Amz-Signature=00&", 1)
	}, badSig, mismatch},
	{"presigned, the signature again and wrong, last", canonical, func(f *forgery) { f.presign("300").target += "&X-Amz-Signature=00" }, badSig, mismatch},
	{"presigned, an upper-case signature", matches, func(f *forgery) {
		head, signature, _ := strings.Cut(f.presign("300").target, "X-Amz-Signature=")
		f.target = head + "X-Amz-Signature=" + strings.ToUpper(signature)
	}, badSig, mismatch},
	{"presigned, a longer life after the signing", canonical, func(f *forgery) {
		f.presign("300").target = strings.Replace(f.target, "X-Amz-Expires=300", "X-Amz-Expires=3000", 1)
	}, badSig, mismatch},
	{"presigned without a signature", queryClaim, func(f *forgery) {
		f.presign("300").target, _, _ = strings.Cut(f.target, "&X-Amz-Signature=")
	}, incomplete, "must include 'X-Amz-Signature'"},
	{"presigned, with a payload of no hash", payloadHash, func(f *forgery) { f.payload = "UNSIGNED-PAYLOAD"; f.presign("300") }, badSig, mismatch},
	{"a parameter named like the algorithm, in lower case", claimRead, func(f *forgery) {
		f.presign("300").target = strings.ReplaceAll(f.target, "X-Amz-", "x-amz-")
	}, noToken, ""},

	{"two lengths", "net/http", func(f *forgery) {
		f.sign().framing = fmt.Sprintf("Content-Length: %d\r\nContent-Length: 2", len(f.body))
	}, malformed, ""},
	{"a length and chunks: the chunks are another body", payloadHash, func(f *forgery) {
		f.sign().framing = fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked", len(f.body))
		f.body = []byte("2\r\n{}\r\n0\r\n\r\n")
	}, badSig, mismatch},
}

func signatures(t *testing.T, s *siege) {
	token := s.dev.buy(t, victimLegacy, buyerAccount).RegistrationToken
	honest := func() *forgery { return resolve(s.dev, victim, token) }
	for _, c := range forgeries {
		t.Run(c.name, func(t *testing.T) {
			f := honest()
			c.forge(f)
			refused(t, c.guard, f.send(t, s.dev), http.StatusBadRequest, c.code, c.text)
			accepted(t, honest().sign().send(t, s.dev))
		})
	}
	t.Run("presigned honestly", func(t *testing.T) { accepted(t, honest().presign("300").send(t, s.dev)) })

	// Every digit counts, and every bit of it.
	t.Run("flipped bits", func(t *testing.T) {
		f := honest().sign()
		right := f.signature()
		for i := range right {
			for bit := range 4 {
				wrong := []byte(right)
				wrong[i] = "0123456789abcdef"[strings.IndexByte("0123456789abcdef", right[i])^1<<bit]
				f.edit(f.signature(), string(wrong))
				refused(t, matches, f.send(t, s.dev), http.StatusBadRequest, badSig, mismatch)
			}
			if t.Failed() {
				return
			}
		}
		f.edit(f.signature(), right)
		accepted(t, f.send(t, s.dev))
	})
	t.Run("sessions", func(t *testing.T) { sessionForgeries(t, s) })
	t.Run("paths of CBOR", func(t *testing.T) { pathForgeries(t, s, token) })
	t.Run("a secret that was replaced", func(t *testing.T) { replacedSecret(t, s) })
	t.Run("another Region of a Souk that has one", func(t *testing.T) {
		ask := func(region string) answer {
			f := call(s.lit, victim, "BatchMeterUsage", noUsage)
			f.region = region
			return f.sign().send(t, s.lit)
		}
		refused(t, claimScope, ask("eu-west-1"), http.StatusBadRequest, badSig, "valid region")
		accepted(t, ask("us-east-1"))
	})
}

// sessionForgeries are about temporary credentials: a key, a secret and a token that belong together.
func sessionForgeries(t *testing.T, s *siege) {
	token := s.dev.buy(t, victimLegacy, buyerAccount).RegistrationToken
	one, two := s.dev.session(t, victimRole, "one", "1h"), s.dev.session(t, victimRole, "two", "1h")
	stranger := s.far.session(t, victimRole, "one", "1h")
	for _, c := range []forgeCase{
		{"the token moved to a long-lived key", lookup, func(f *forgery) { f.key = victim; f.sign() }, noClient, "is invalid"},
		{"the token left out", lookup, func(f *forgery) { f.session = ""; f.sign() }, noClient, "is invalid."},
		{"the token of another session of the role", lookup, func(f *forgery) { f.session = two.session; f.sign() }, noClient, "is invalid"},
		{"the key of another session of the role", lookup, func(f *forgery) { f.key.id = two.id; f.sign() }, noClient, "is invalid"},
		{"the secret of another session of the role", matches, func(f *forgery) { f.key.secret = two.secret; f.sign() }, badSig, mismatch},
		{"the token in the query string, the signature in the header", headerClaim, func(f *forgery) {
			f.session, f.target = "", "/?X-Amz-Security-Token="+url.QueryEscape(one.session)
			f.sign()
		}, noClient, "is invalid."},
		{"the token in the header, the signature in the query string", queryClaim, func(f *forgery) {
			f.session = ""
			f.set("X-Amz-Security-Token", one.session)
			f.presign("300")
		}, noClient, "is invalid."},
		{"a second token", lookup, func(f *forgery) { f.sign().add("X-Amz-Security-Token", two.session) }, badSig, mismatch},
		{"another token first", lookup, func(f *forgery) {
			f.sign().set("X-Amz-Security-Token", two.session+"\r\nX-Amz-Security-Token: "+one.session)
		}, noClient, "is invalid"},
		{"an altered token", "internal/keyring/keyring.go:Open", func(f *forgery) { f.session = flip(one.session, 100); f.sign() }, noClient, "is invalid"},
		{"a token without its padding", "internal/account/session.go:open", func(f *forgery) { f.session = strings.TrimRight(one.session, "=") + "A"; f.sign() }, noClient, "is invalid"},
		{"a line break in the token", "internal/account/session.go:open", func(f *forgery) { f.session = one.session[:40] + "\n" + one.session[40:]; f.presign("300") }, noClient, "is invalid"},
		{"the credentials of another Souk", "internal/keyring/keyring.go:Open", func(f *forgery) { f.key, f.session = stranger, stranger.session; f.sign() }, noClient, "is invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := resolve(s.dev, one, token)
			c.forge(f)
			refused(t, c.guard, f.send(t, s.dev), http.StatusBadRequest, c.code, c.text)
			accepted(t, resolve(s.dev, one, token).sign().send(t, s.dev))
			accepted(t, resolve(s.dev, one, token).presign("300").send(t, s.dev))
		})
	}
}

// pathForgeries: in CBOR the path names the operation, and paths can be written in many ways.
func pathForgeries(t *testing.T, s *siege, token string) {
	const service = "/service/AWSMPMeteringService/operation/"
	const guard = route + "routeCBOR"
	body := cborText("RegistrationToken", token)
	for _, c := range []struct {
		name, signed, sent, guard, code string
	}{
		{"signed for another operation", service + "BatchMeterUsage", service + "ResolveCustomer", canonical, badSig},
		{"signed for another service", "/service/AWSMPEntitlementService/operation/ResolveCustomer", service + "ResolveCustomer", canonical, badSig},
		{"up from another operation", service + "ResolveCustomer", service + "BatchMeterUsage/../ResolveCustomer", guard, unknownOp},
		{"up by escapes", service + "ResolveCustomer", service + "BatchMeterUsage/%2e%2e/ResolveCustomer", guard, unknownOp},
		{"doubled slashes within", service + "ResolveCustomer", "/service//AWSMPMeteringService/operation/ResolveCustomer", guard, unknownOp},
		{"a dot within", service + "ResolveCustomer", "/service/AWSMPMeteringService/./operation/ResolveCustomer", guard, unknownOp},
		{"an escaped slash", service + "ResolveCustomer", "/service/AWSMPMeteringService/operation%2FResolveCustomer", guard, unknownOp},
		{"an escaped letter", service + "ResolveCustomer", service + "%52esolveCustomer", route + "named", unknownOp},
		{"a slash behind", service + "ResolveCustomer", service + "ResolveCustomer/", guard, unknownOp},
		{"another case", service + "resolvecustomer", service + "resolvecustomer", "internal/api/operations.go:findOperation", unknownOp},
		{"a prefix that was not signed", service + "ResolveCustomer", "/prefix" + service + "ResolveCustomer", canonical, badSig},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := cborCall(s.dev, victim, "ResolveCustomer", body)
			f.target = c.signed
			f.sign().target = c.sent
			refused(t, c.guard, f.send(t, s.dev), http.StatusBadRequest, c.code, "")
		})
	}
	accepted(t, cborCall(s.dev, victim, "ResolveCustomer", body).sign().send(t, s.dev))
	prefixed := cborCall(s.dev, victim, "ResolveCustomer", body)
	prefixed.target = "/prefix" + prefixed.target
	accepted(t, prefixed.sign().send(t, s.dev))

	named := cborCall(s.dev, victim, "ResolveCustomer", body)
	named.set("X-Amz-Target", "AWSMPMeteringService.ResolveCustomer")
	refused(t, guard, named.sign().send(t, s.dev), http.StatusBadRequest, unknownOp, "must not have X-Amz-Target")
}

// replacedSecret: signing keys are derived once and kept. A secret that is replaced takes its derived keys with it.
func replacedSecret(t *testing.T, s *siege) {
	k := key{id: "AKIAATTACKREPLACED01", secret: "attack/suite/first//NOT+A+SECRET/0000001"}
	set := func(secret, active string) {
		s.far.apply(t, []byte(`version: 1
accounts: [{id: "100000000004", name: Replaced, seller: true, access_keys: [{id: `+k.id+`, secret: `+secret+`, active: `+active+`}]}]`))
	}
	ask := func(k key) answer {
		return call(s.far, k, "BatchMeterUsage", noUsage).sign().send(t, s.far)
	}
	second := key{id: k.id, secret: "attack/suite/second/NOT+A+SECRET/0000001"}
	set(k.secret, "true")
	for range 3 { // it is kept when it has proved itself
		accepted(t, ask(k))
	}
	refused(t, "internal/sigv4/key.go:find", ask(second), http.StatusBadRequest, badSig, mismatch)
	set(second.secret, "true")
	refused(t, "internal/sigv4/key.go:find", ask(k), http.StatusBadRequest, badSig, mismatch)
	accepted(t, ask(second))
}

// flip changes a character of Base64 into another.
func flip(s string, i int) string {
	b := []byte(s)
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

// cborText is a map of one member, in CBOR.
func cborText(name, value string) []byte {
	b := append([]byte{0xa1}, cborString(name)...)
	return append(b, cborString(value)...)
}

func cborString(s string) []byte { return append([]byte{0x79, byte(len(s) >> 8), byte(len(s))}, s...) }

// noUsage is a call of BatchMeterUsage that anybody may make who is let in: it succeeds and does nothing.
var noUsage = map[string]any{"UsageRecords": []any{}}
