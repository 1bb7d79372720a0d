package console

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// usageExport hands out the records as a file. The control API's export does it; here is only seen to it that what is wrong is told on a page, and that a
// browser keeps what comes under a name.
func (c *Console) usageExport(w http.ResponseWriter, r *http.Request) error {
	if c.export == nil {
		return noPage(w, r)
	}
	given := r.URL.Query()
	ask, problem := parseRecordsAsk(given, c.service.Now().UTC())
	format := given.Get("format")
	switch {
	case problem != "":
		return &httpError{http.StatusUnprocessableEntity, problem}
	case format != "csv" && format != "jsonl":
		return &httpError{http.StatusUnprocessableEntity, "A file of usage is csv or jsonl."}
	}
	if err := c.exportable(r.Context(), ask.Product); err != nil {
		return err
	}
	if ask.Product != "" {
		if _, _, err := c.service.Product(r.Context(), callerIn(r.Context()), ask.Product); err != nil {
			return err
		}
	}
	q := url.Values{"format": {format}}
	setAll(q, ask.Product, ask.Buyer, ask.Dimension, ask.from, ask.to)
	asked := r.Clone(r.Context())
	asked.URL.RawQuery = q.Encode()
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": exportName(ask, format)}))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	c.export.ServeHTTP(w, asked)
	return nil
}

// exportName is a file's name, of characters that every file system takes.
func exportName(ask recordsAsk, format string) string {
	parts := []string{"usage"}
	for _, s := range []string{ask.Product, ask.Buyer} {
		if s = fileText(s); s != "" {
			parts = append(parts, s)
		}
	}
	const stamp = "20060102T15"
	return strings.Join(append(parts, ask.from.Format(stamp), ask.to.Add(time.Hour-1).Format(stamp)), "-") + "." + format
}

func fileText(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_':
			return r
		}
		return '_'
	}, s)
	return s[:min(len(s), 64)]
}
