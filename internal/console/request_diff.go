package console

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/reqlog"
)

// signatureDiff is a mismatch of signatures, as the page shows it.
type signatureDiff struct {
	Canonical []diffRow
	ToSign    []diffRow
	Pasted    bool // the client's side is what somebody pasted, not what the request lets one tell
	Equal     bool // nothing differs
	Hints     []string
}

// diffRow is a line on both sides. A side that has none is empty, and says so.
type diffRow struct {
	Souk, Client       string
	NoSouk, NoClient   bool
	Differs            bool
	NumSouk, NumClient int
}

// maxDiffLines bounds what is compared: a signature has at most 100 headers.
const maxDiffLines = 300

// signatureDiffOf compares the canonical request that Souk computed with the client's: pasted, if it was, or else what the client must have signed by
// all that the request says of itself. It is nil where the signature was not what the call was refused for.
func signatureDiffOf(v reqlog.View, pasted string) *signatureDiff {
	if v.Canonical == "" {
		return nil
	}
	souk := strings.Split(v.Canonical, "\n")
	d := &signatureDiff{Pasted: pasted != ""}
	var client []string
	if d.Pasted {
		client = strings.Split(strings.TrimRight(strings.ReplaceAll(pasted, "\r\n", "\n"), "\n"), "\n")
	} else {
		client, d.Hints = presumed(v, souk)
	}
	d.Canonical = diffLines(souk, client)
	if !d.Pasted {
		d.ToSign = diffLines(strings.Split(v.StringToSign, "\n"), presumedToSign(v, client))
	}
	d.Equal = !slices.ContainsFunc(slices.Concat(d.Canonical, d.ToSign), func(r diffRow) bool { return r.Differs })
	d.Hints = append(d.Hints, signingHints(v, d)...)
	return d
}

// presumed is the canonical request that the client must have signed, where the request bears witness of another one than arrived: proxies leave
// behind what they changed. Hints say what was found.
func presumed(v reqlog.View, souk []string) (client, hints []string) {
	client = slices.Clone(souk)
	if len(client) < 5 {
		return client, nil
	}
	if host := forwardedHost(v); host != "" {
		for i, line := range client {
			if strings.HasPrefix(line, "host:") && line != "host:"+host {
				client[i] = "host:" + host
				hints = append(hints, "A proxy forwarded the request under another Host. Have it pass Host on as it is (nginx: proxy_set_header Host $http_host), or point the client at the name that Souk sees.")
			}
		}
	}
	if target := firstOf(v, "X-Original-Uri", "X-Forwarded-Uri", "X-Original-Url"); strings.HasPrefix(target, "/") {
		path, _, _ := strings.Cut(target, "?")
		if path != client[1] {
			client[1] = path
			hints = append(hints, "A proxy rewrote the path, which is signed. Have it pass the path on as it is.")
		}
	} else if prefix := firstOf(v, "X-Forwarded-Prefix"); strings.HasPrefix(prefix, "/") && prefix != "/" {
		client[1] = strings.TrimSuffix(prefix, "/") + client[1]
		hints = append(hints, "A proxy took a prefix off the path, which is signed. Give Souk a host name of its own rather than a path on another’s.")
	}
	names := strings.Split(client[len(client)-2], ";")
	var missing []string
	for _, name := range names {
		if !slices.ContainsFunc(souk, func(line string) bool { return strings.HasPrefix(line, name+":") }) {
			missing = append(missing, name)
		}
	}
	for _, name := range missing { // in front of the empty line that ends the headers
		at := len(client) - 3
		for at > 3 && client[at-1] > name+":" {
			at--
		}
		client = slices.Insert(client, at, name+":‹some value›")
	}
	if len(missing) > 0 {
		hints = append(hints, "Signed, and not in the request that arrived: "+plain(strings.Join(missing, ", "))+". Something on the way took it off.")
	}
	return client, hints
}

// presumedToSign is the string to sign over client, with the date and the scope that the request states.
func presumedToSign(v reqlog.View, client []string) []string {
	lines := strings.Split(v.StringToSign, "\n")
	if len(lines) != 4 {
		return lines
	}
	s := scopeOf(v)
	if s.Date != "" {
		lines[1] = s.Date
	}
	if s.Scope != "" {
		lines[2] = s.Scope
	}
	text := strings.Join(client, "\n")
	switch {
	case text == v.Canonical:
	case strings.Contains(text, "‹some value›"), strings.Contains(text, "(masked)"), strings.Contains(text, "…"):
		lines[3] = "‹only the client knows›"
	default:
		sum := sha256.Sum256([]byte(text))
		lines[3] = hex.EncodeToString(sum[:])
	}
	return lines
}

// forwardedHost is the host that the client addressed, as a proxy noted it.
func forwardedHost(v reqlog.View) string {
	host, _, _ := strings.Cut(firstOf(v, "X-Forwarded-Host", "X-Original-Host"), ",")
	if host == "" {
		for part := range strings.FieldsFuncSeq(firstOf(v, "Forwarded"), func(r rune) bool { return r == ';' || r == ',' }) { // RFC 7239
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if strings.EqualFold(name, "host") {
				host = strings.Trim(value, `"`)
				break
			}
		}
	}
	return strings.TrimSpace(host)
}

// firstOf is the value of the first of some headers that the request has.
func firstOf(v reqlog.View, names ...string) string {
	for _, name := range names {
		for _, h := range v.Headers {
			if strings.EqualFold(h.Name, name) {
				return h.Value
			}
		}
	}
	return ""
}

// diffLines sets two texts side by side by their longest common subsequence. What differs at one place stands in the same rows.
func diffLines(a, b []string) []diffRow {
	a, b = a[:min(len(a), maxDiffLines)], b[:min(len(b), maxDiffLines)]
	common := make([][]int, len(a)+1) // of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var rows []diffRow
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		fromA, fromB := i, j
		for (i < len(a) || j < len(b)) && !(i < len(a) && j < len(b) && a[i] == b[j]) {
			if j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1] {
				i++
			} else {
				j++
			}
		}
		for k := range max(i-fromA, j-fromB) {
			r := diffRow{Differs: true, NoSouk: fromA+k >= i, NoClient: fromB+k >= j}
			if !r.NoSouk {
				r.Souk, r.NumSouk = plain(a[fromA+k]), fromA+k+1
			}
			if !r.NoClient {
				r.Client, r.NumClient = plain(b[fromB+k]), fromB+k+1
			}
			rows = append(rows, r)
		}
		if i < len(a) && j < len(b) {
			rows = append(rows, diffRow{Souk: plain(a[i]), Client: plain(b[j]), NumSouk: i + 1, NumClient: j + 1})
			i, j = i+1, j+1
		}
	}
	return rows
}
