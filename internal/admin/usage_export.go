package admin

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/market"
)

const (
	// CountHeader is how many records an export is about to hold, as it began.
	CountHeader = "Souk-Usage-Records"

	// exportPage is how many records are read at a time: one View each, so that an export of hours keeps no snapshot of the store alive.
	exportPage = 2000
	// exportBuffer is how much is gathered before it is sent, in bytes, of records with many allocations.
	exportBuffer = 256 << 10
	// exportWrite is how long a client may take for a page.
	exportWrite = time.Minute
)

// usageColumns are the columns of a CSV export: the members of a UsageRecord.
var usageColumns = []string{"record_id", "hour", "timestamp", "region", "product_code", "buyer", "license_arn", "dimension", "resource",
	"quantity", "allocations", "submitted_at"}

// errClientGone ends an export that nobody takes any more.
var errClientGone = errors.New("the client has gone")

// exportUsage sends all records that match, by hour, page after page. Records that come while it runs are in it if their hour comes later than those
// already sent. An export that cannot be finished ends without an end: the connection is cut, so that nobody takes a part for the whole.
func (a *API) exportUsage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, err := filterOfUsage(q)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	var add func(*UsageRecord) error
	media := "application/x-ndjson"
	switch format := q.Get("format"); format {
	case "", "jsonl":
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		add = func(u *UsageRecord) error { return enc.Encode(u) }
	case "csv":
		media = "text/csv; charset=utf-8; header=present" // RFC 4180
		lines := csv.NewWriter(&buf)
		lines.UseCRLF = true
		if err := lines.Write(usageColumns); err != nil {
			return err
		}
		lines.Flush()
		add = func(u *UsageRecord) error {
			line, err := csvLine(u)
			if err != nil {
				return err
			}
			if err := lines.Write(line); err != nil {
				return err
			}
			lines.Flush()
			return lines.Error()
		}
	default:
		return refuse(http.StatusBadRequest, CodeBadRequest, "query parameter \"format\" must be csv or jsonl, not %q", format)
	}
	unhurried(w)
	count, err := a.service.CountUsage(r.Context(), market.Operator(), f)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set(CountHeader, strconv.FormatInt(count, 10))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	if err := a.exportPages(w, r, f, &buf, add); err != nil {
		if r.Context().Err() == nil && !errors.Is(err, errClientGone) {
			a.logger.LogAttrs(r.Context(), slog.LevelError, "export of usage was cut", slog.String("error", err.Error()))
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// exportPages sends what buf holds and then each page, which add puts there.
func (a *API) exportPages(w http.ResponseWriter, r *http.Request, f market.UsageFilter, buf *bytes.Buffer, add func(*UsageRecord) error) error {
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	send := func() error {
		_ = out.SetWriteDeadline(time.Now().Add(exportWrite))
		if _, err := w.Write(buf.Bytes()); err != nil {
			return errClientGone
		}
		buf.Reset()
		return nil
	}
	f.Limit = exportPage
	for {
		list, err := a.service.Usage(r.Context(), market.Operator(), f)
		if err != nil {
			return err
		}
		for i := range list {
			u, err := usageRecord(&list[i])
			if err != nil {
				return err
			}
			if err := add(&u); err != nil {
				return err
			}
			if buf.Len() < exportBuffer {
				continue
			}
			if err := send(); err != nil {
				return err
			}
		}
		if err := send(); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return errClientGone
		}
		if len(list) == 0 {
			return nil
		}
		f.After = list[len(list)-1].Position
	}
}

// csvLine is a record in the order of usageColumns; its allocations are JSON within their column.
func csvLine(u *UsageRecord) ([]string, error) {
	allocations := ""
	if len(u.Allocations) > 0 {
		text, err := json.Marshal(u.Allocations)
		if err != nil {
			return nil, fmt.Errorf("admin: encode allocations: %w", err)
		}
		allocations = string(text)
	}
	line := []string{
		u.RecordID, u.Hour.Format(time.RFC3339), u.Timestamp.Format(time.RFC3339Nano), u.Region, u.ProductCode, u.Buyer, u.LicenseARN, u.Dimension, u.Resource,
		strconv.FormatInt(u.Quantity, 10), allocations, u.SubmittedAt.Format(time.RFC3339Nano),
	}
	for i, cell := range line {
		line[i] = defused(cell)
	}
	return line, nil
}

// defused puts an apostrophe before what a spreadsheet would take for a formula: what sellers call their dimensions, and buyers their workloads, must not run
// on the desk of whoever opens the file. The list is OWASP's (https://owasp.org/www-community/attacks/CSV_Injection).
func defused(cell string) string {
	first, _ := utf8.DecodeRuneInString(cell)
	switch first {
	case '=', '+', '-', '@', '\t', '\r', '\n', '\uff1d', '\uff0b', '\uff0d', '\uff20':
		return "'" + cell
	}
	return cell
}

// UsageExport is the export of usage as a handler of its own, for a face that has its own address for it. It takes the same query.
func (a *API) UsageExport() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.exportUsage(w, r); err != nil {
			a.fail(w, r, err)
		}
	})
}
