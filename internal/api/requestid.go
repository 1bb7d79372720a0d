package api

import (
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
	out := uuidText(b)
	return string(out[:])
}

// uuidText writes a UUID in lower case.
func uuidText(b [16]byte) (out [36]byte) {
	at := 0
	for i, v := range b {
		switch i {
		case 4, 6, 8, 10:
			out[at] = '-'
			at++
		}
		out[at], out[at+1] = hexDigits[v>>4], hexDigits[v&15]
		at += 2
	}
	return out
}

const hexDigits = "0123456789abcdef"

func putUint64(b []byte, v uint64) {
	for i := range 8 {
		b[i] = byte(v >> (8 * i))
	}
}

// httpDate is the Date header's value: the wall clock's, always. SDKs set their clocks by it.
func httpDate() string { return time.Now().UTC().Format(http.TimeFormat) }
