package awsproto

import (
	"math"
	"time"
)

// RegisterUsageInput is the request of RegisterUsage. Byte slices are nil if absent, and alias the body.
//
// https://docs.aws.amazon.com/marketplace/latest/APIReference/API_marketplace-metering_RegisterUsage.html
type RegisterUsageInput struct {
	ProductCode         []byte
	PublicKeyVersion    int64
	HasPublicKeyVersion bool
	Nonce               []byte
}

// Decode reads the members that d has. Nothing of an earlier request is left.
func (in *RegisterUsageInput) Decode(d *Decoder) {
	*in = RegisterUsageInput{}
	for name := range d.Members {
		switch string(name) {
		case "ProductCode":
			in.ProductCode = d.Bytes()
		case "PublicKeyVersion":
			in.PublicKeyVersion, in.HasPublicKeyVersion = d.Int()
		case "Nonce":
			in.Nonce = d.Bytes()
		}
	}
}

// Validate checks the constraints of the model. It sets no upper bound to the version: which there are is for the marketplace to say.
func (in *RegisterUsageInput) Validate() *Fault {
	var v Violations
	v.NotNull(At("productCode"), in.ProductCode != nil)
	v.productCode(in.ProductCode)
	if at := At("publicKeyVersion"); !in.HasPublicKeyVersion {
		v.NotNull(at, false)
	} else {
		v.Range(at, in.PublicKeyVersion, 1, math.MaxInt64)
	}
	if in.Nonce != nil {
		v.Length(At("nonce"), in.Nonce, 0, 255)
	}
	return v.Fault()
}

// RegisterUsageOutput is the answer of RegisterUsage.
type RegisterUsageOutput struct {
	PublicKeyRotationTimestamp time.Time // zero is left out
	Signature                  string    // a JWT; "" is left out
}

// Encode writes the answer.
func (out *RegisterUsageOutput) Encode(e *Encoder) {
	e.BeginStruct()
	if !out.PublicKeyRotationTimestamp.IsZero() {
		e.member("PublicKeyRotationTimestamp")
		e.Timestamp(out.PublicKeyRotationTimestamp)
	}
	e.some("Signature", out.Signature)
	e.EndStruct()
}
