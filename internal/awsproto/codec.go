package awsproto

import "net/http"

// Protocol is how a request and its answer are written.
type Protocol uint8

const (
	JSON11 Protocol = iota // AWS JSON 1.1
	JSON10                 // AWS JSON 1.0: the same but for its content type
	CBOR                   // Smithy RPC v2 CBOR
)

// String is the protocol's name in Smithy's models.
func (p Protocol) String() string {
	switch p {
	case JSON10:
		return "awsJson1_0"
	case CBOR:
		return "rpcv2Cbor"
	}
	return "awsJson1_1"
}

// Codec is what speaks the protocol. It never allocates.
func (p Protocol) Codec() Codec {
	if p == CBOR {
		return cborCodec{}
	}
	return jsonCodec{p}
}

// Codec is one protocol's way of writing things. A codec holds no state, and any number of goroutines may share it.
type Codec interface {
	// Protocol is what the codec speaks.
	Protocol() Protocol

	// ContentType is that of every answer, faults included.
	ContentType() string

	// Valid checks that all of body is well formed, a structure, and followed by nothing; an empty body is one, and means
	// the structure without members. It looks at no member, allocates only to report a fault, and takes time linear in the
	// body. AWS does this before it asks who is calling, so that a broken body is a SerializationException and not an
	// access denied.
	Valid(body []byte) *Fault

	// Decoder reads body, which must not change while the decoder or what it returned is in use. It does not rely on Valid
	// having been called.
	Decoder(body []byte) Decoder

	// Encoder appends to dst.
	Encoder(dst []byte) Encoder

	// AppendFault appends the body of f to dst. It is well formed whatever bytes the message has.
	AppendFault(dst []byte, f *Fault) []byte

	// SetHeader sets the headers that the protocol wants beside Content-Type and Content-Length on the answer f, or on a
	// result if f is nil.
	SetHeader(h http.Header, f *Fault)
}

type jsonCodec struct{ protocol Protocol }

func (c jsonCodec) Protocol() Protocol { return c.protocol }

func (c jsonCodec) ContentType() string {
	if c.protocol == JSON10 {
		return "application/x-amz-json-1.0"
	}
	return "application/x-amz-json-1.1"
}

func (c jsonCodec) Valid(body []byte) *Fault {
	d := c.Decoder(body)
	return d.Finish()
}

func (jsonCodec) Decoder(body []byte) Decoder { return Decoder{body: body} }

func (jsonCodec) Encoder(dst []byte) Encoder { return Encoder{buf: dst, start: len(dst)} }

// AppendFault writes the bare code: clients take the namespaced form too, but awsJson1_1 says servers should not send it,
// and KMS, the one JSON 1.1 service of which we know raw bytes, does not.
func (c jsonCodec) AppendFault(dst []byte, f *Fault) []byte {
	e := c.Encoder(dst)
	f.encode(&e, f.Code)
	return e.Bytes()
}

// SetHeader names the code once more: the Go SDK looks there first and at __type second, so the two agree.
func (jsonCodec) SetHeader(h http.Header, f *Fault) {
	if f != nil {
		h["X-Amzn-Errortype"] = []string{f.Code}
	}
}

type cborCodec struct{}

func (cborCodec) Protocol() Protocol { return CBOR }

func (cborCodec) ContentType() string { return "application/cbor" }

func (c cborCodec) Valid(body []byte) *Fault {
	d := c.Decoder(body)
	return d.Finish()
}

func (cborCodec) Decoder(body []byte) Decoder { return Decoder{body: body, cbor: true} }

func (cborCodec) Encoder(dst []byte) Encoder { return Encoder{buf: dst, start: len(dst), cbor: true} }

// AppendFault writes the absolute shape id, which the protocol demands.
func (c cborCodec) AppendFault(dst []byte, f *Fault) []byte {
	e := c.Encoder(dst)
	namespace := f.Namespace
	if namespace == "" {
		namespace = NamespaceCoral
	}
	f.encode(&e, namespace+"#"+f.Code)
	return e.Bytes()
}

// SetHeader echoes the protocol on every answer: without it a client must take the answer for malformed.
func (cborCodec) SetHeader(h http.Header, _ *Fault) {
	h["Smithy-Protocol"] = []string{smithyCBOR}
}
