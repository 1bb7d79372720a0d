package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// kept is the text that a field's value stands for: the one that it was made of, if it was not touched.
func kept(was, now string) string {
	if oneLine(was) == now {
		return was
	}
	return strings.TrimSpace(now)
}

// oneLine is text as a browser sends it back from a field of one line.
func oneLine(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }

// lines is text as a browser sends it back from a field of several, but for the line breaks, which are one character here.
func lines(s string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
}

// spanText is a span of time as people write one; "" for none.
func spanText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// madeFrom stands in a form for what its sender was looking at.
func madeFrom(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(fmt.Sprintf("console: fingerprint: %v", err)) // unreachable: products and offers are plain data
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
