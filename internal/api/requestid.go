package api

import (
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"time"
)

// newRequestID is a UUIDv4. It names, it does not protect: the runtime's generator will do, and costs a few nanoseconds.
func newRequestID() string {
	var b [16]byte
	putUint64(b[:8], rand.Uint64())
	putUint64(b[8:], rand.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	out[8] = '-'
	hex.Encode(out[9:13], b[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], b[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], b[8:10])
	out[23] = '-'
	hex.Encode(out[24:], b[10:])
	return string(out[:])
}

func putUint64(b []byte, v uint64) {
	for i := range 8 {
		b[i] = byte(v >> (8 * i))
	}
}

// httpDate is the Date header's value: the wall clock's, always. SDKs set their clocks by it.
func httpDate() string { return time.Now().UTC().Format(http.TimeFormat) }
