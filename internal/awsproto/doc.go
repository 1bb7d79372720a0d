// Package awsproto is the wire: which protocol a request speaks and which operation it names, body to wire shape, wire
// shape to body, and faults as each protocol writes them. It knows no rule of the marketplace and no signature.
//
// Two families of protocols are spoken, on one endpoint:
//
//	AWS JSON 1.1 and 1.0   POST on any path, X-Amz-Target: Service.Operation
//	Smithy RPC v2 CBOR     POST …/service/Service/operation/Operation, Smithy-Protocol: rpc-v2-cbor
//
// A wire shape is written once for both. It has a Decode method against a [Decoder], which pulls members out of a body
// without copying it, and an Encode method against an [Encoder], which appends to a buffer; there is no reflection, and
// on the way of a request that succeeds there is no allocation.
//
// The way of one request:
//
//	codec, service, operation, fault := awsproto.Route(r)
//	fault = codec.Valid(body)          // before authentication, as AWS does
//	d := codec.Decoder(body)
//	in.Decode(&d)
//	fault = d.Finish()                 // types
//	fault = in.Validate()              // constraints
//	e := codec.Encoder(buf[:0])
//	out.Encode(&e)
//	awsproto.WriteResult(w, codec, requestID, e.Bytes())
//
// For large bodies one pass does: Decode before authentication, and [Decoder.Faults] instead of Valid and Finish.
//
// The texts of serialization and validation faults are those of AWS's own framework (Coral), as other
// services (DynamoDB, Kinesis, STS) are known to write them; no such answer of the marketplace services is known. Texts that are ours are in
// lower case throughout.
package awsproto
