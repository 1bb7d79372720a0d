package world

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/souk-market/souk/internal/market"
)

// load makes the one document of src into nodes.
func load(src []byte) (*yaml.Node, *market.Problem) {
	if len(src) > MaxSize {
		return nil, wholeFile(0, "has %d bytes; at most %d are read", len(src), MaxSize)
	}
	if at := invalidUTF8(src); at >= 0 {
		return nil, wholeFile(1+bytes.Count(src[:at], []byte("\n")), "is not UTF-8 text")
	}
	src = yamlOfJSON(src)
	in := &lines{rest: src}
	d := yaml.NewDecoder(in)
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case err == io.EOF:
		return nil, wholeFile(1, "is empty")
	case err != nil:
		return nil, syntaxProblem(src, err, in.read)
	}
	var next yaml.Node
	switch err := d.Decode(&next); {
	case err == nil:
		return nil, wholeFile(next.Line, "holds a second document; a world is one")
	case err != io.EOF:
		return nil, syntaxProblem(src, err, in.read)
	}
	return doc.Content[0], nil
}

func wholeFile(line int, format string, args ...any) *market.Problem {
	return &market.Problem{Path: "file", Line: line, Reason: fmt.Sprintf(format, args...)}
}

func invalidUTF8(src []byte) int {
	for at := 0; at < len(src); {
		r, size := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// lines hands out its text a line at a read and counts them: so it is known how far the YAML parser came.
type lines struct {
	rest []byte
	line []byte
	read int
}

func (l *lines) Read(p []byte) (int, error) {
	if len(l.line) == 0 {
		if len(l.rest) == 0 {
			return 0, io.EOF
		}
		end := bytes.IndexByte(l.rest, '\n') + 1
		if end == 0 {
			end = len(l.rest)
		}
		l.line, l.rest = l.rest[:end], l.rest[end:]
		l.read++
	}
	n := copy(p, l.line)
	l.line = l.line[n:]
	return n, nil
}

var (
	yamlLine     = regexp.MustCompile(`^line (\d+): `)
	yamlAnchor   = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	expectedMark = regexp.MustCompile(`^did not find expected ',' or `)
)

// syntaxProblem finds the line of a YAML error. read is how many lines the parser had taken in. The parser's own number is right for errors
// of its scanner; for those of its grammar it is that of the line before the enclosing list or mapping.
func syntaxProblem(src []byte, err error, read int) *market.Problem {
	reason := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if m := yamlLine.FindStringSubmatch(reason); m != nil {
		line, _ = strconv.Atoi(m[1])
		reason = reason[len(m[0]):]
	}
	switch {
	case expectedMark.MatchString(reason): // the bracket that is not closed
		line++
	case strings.HasPrefix(reason, "did not find expected alphabetic"):
		reason += ` (a "*" or "&" that is text wants quotes)`
	case strings.HasPrefix(reason, "did not find expected"):
		line = grammarLine(src, err, read)
	case strings.HasPrefix(reason, "control characters"):
		line = read
	case yamlAnchor.MatchString(reason):
		name := yamlAnchor.FindStringSubmatch(reason)[1]
		line = 1 + bytes.Count(src[:max(0, bytes.Index(src, []byte("*"+name)))], []byte("\n"))
		reason = fmt.Sprintf("alias *%s stands for an anchor that does not stand before it", name)
	}
	return wholeFile(max(line, 1), "is not YAML: %s", reason)
}

// grammarLine is the last line that the error needs: the parser reads a line or two ahead.
func grammarLine(src []byte, want error, read int) int {
	for tries := 0; tries < 2 && read > 1; tries++ {
		var n yaml.Node
		err := yaml.NewDecoder(&lines{rest: firstLines(src, read-1)}).Decode(&n)
		if err == nil || err.Error() != want.Error() {
			break
		}
		read--
	}
	return read
}

func firstLines(src []byte, n int) []byte {
	end := 0
	for range n {
		next := bytes.IndexByte(src[end:], '\n')
		if next < 0 {
			return src
		}
		end += next + 1
	}
	return src[:end]
}

// yamlOfJSON rewrites what JSON allows in strings and YAML does not, or reads otherwise, if src is JSON: the escapes "\/" and of surrogate
// pairs, and characters that YAML takes for line breaks or does not take at all. Lines stay as they are.
func yamlOfJSON(src []byte) []byte {
	if !json.Valid(src) {
		return src
	}
	out := make([]byte, 0, len(src)+len(src)/8)
	for i := 0; i < len(src); {
		if src[i] == '\\' { // it stands only in strings, and with what it escapes behind it
			r, size := escape(src[i:])
			if size == 2 && r != '/' {
				out = append(out, src[i:i+2]...)
			} else {
				out = appendEscaped(out, r)
			}
			i += size
			continue
		}
		r, size := utf8.DecodeRune(src[i:])
		if r >= utf8.RuneSelf && !yamlPrintable(r) || r == 0x7f {
			out = appendEscaped(out, r)
		} else {
			out = append(out, src[i:i+size]...)
		}
		i += size
	}
	return out
}

// yamlPrintable reports whether a character that is not ASCII can stand in a YAML string and is not a line break there (YAML 1.2,
// production c-printable; YAML 1.1, b-char).
func yamlPrintable(r rune) bool {
	switch {
	case r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

// appendEscaped appends r as YAML's longest escape, or as itself where JSON has escaped it without need.
func appendEscaped(b []byte, r rune) []byte {
	if r == '/' {
		return append(b, '/')
	}
	return fmt.Appendf(b, `\U%08X`, r)
}

// escape reads the escape of JSON that b begins with: its character, and its length. Of those with two characters it is the second
// one. Half a surrogate pair is read as encoding/json does.
func escape(b []byte) (r rune, size int) {
	if b[1] != 'u' {
		return rune(b[1]), 2
	}
	r = hex4(b[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(b[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 is the number of four hexadecimal digits, which JSON's validity promises.
func hex4(b []byte) rune {
	v, _ := strconv.ParseUint(string(b[:4]), 16, 16)
	return rune(v)
}
