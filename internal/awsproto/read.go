package awsproto

// Read decodes body in one pass where [Codec.Valid] and a Decoder of its own take two, and tells apart what they do: malformed is what Valid says, and is
// for before authentication; mistyped is a well-formed body with a member of the wrong type, and is for after it. At most one of them is not nil. Only a body with
// a fault is gone through again.
//
//	var in BatchMeterUsageInput
//	malformed, mistyped := awsproto.Read(codec, body, in.Decode)
func Read(c Codec, body []byte, decode func(*Decoder)) (malformed, mistyped *Fault) {
	d := c.Decoder(body)
	decode(&d)
	f := d.Finish()
	if f == nil {
		return nil, nil
	}
	if malformed = c.Valid(body); malformed != nil {
		return malformed, nil
	}
	return nil, f
}
