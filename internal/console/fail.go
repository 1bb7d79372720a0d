package console

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"

	"github.com/souk-market/souk/internal/market"
)

// httpError is an error of the web rather than of the market.
type httpError struct {
	status int
	text   string
}

func (e *httpError) Error() string { return e.text }

func noPage(http.ResponseWriter, *http.Request) error {
	return &httpError{http.StatusNotFound, "There is no page at this address."}
}

func noMethod(_ http.ResponseWriter, r *http.Request) error {
	return &httpError{http.StatusMethodNotAllowed, "This address does not take " + r.Method + " requests. Go back to the page with the button, and press it there."}
}

// parseForm reads the form of a POST.
func parseForm(r *http.Request) error {
	err := r.ParseForm()
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &large):
		return &httpError{http.StatusRequestEntityTooLarge, "The form is too large."}
	}
	return &httpError{http.StatusBadRequest, "The form is not well formed."}
}

// failure is what the error page shows.
type failure struct {
	Status    int
	Heading   string
	Text      string
	Reference string // of the log line that has the withheld text; "" if nothing is withheld
}

// failureOf says how an error is told: what the market says to its callers as it is, and nothing of anything else.
func failureOf(err error) failure {
	var web *httpError
	if errors.As(err, &web) {
		return failure{Status: web.status, Heading: headings[web.status], Text: web.text}
	}
	var e *market.Error
	if errors.As(err, &e) {
		if status, ok := statuses[e.Code]; ok {
			return failure{Status: status, Heading: headings[status], Text: sentence(e.Message)}
		}
	}
	return failure{
		Status: http.StatusInternalServerError, Heading: headings[http.StatusInternalServerError],
		Text: "The reason stands in the server’s log, under the reference below.", Reference: rand.Text()[:10],
	}
}

var statuses = map[market.Code]int{
	market.NotFound:    http.StatusNotFound,
	market.Conflict:    http.StatusConflict,
	market.Invalid:     http.StatusUnprocessableEntity,
	market.Forbidden:   http.StatusForbidden,
	market.Unavailable: http.StatusServiceUnavailable,
	market.Unsupported: http.StatusNotImplemented,
}

var headings = map[int]string{
	http.StatusBadRequest:            "That form could not be read",
	http.StatusForbidden:             "That is not allowed",
	http.StatusNotFound:              "Not found",
	http.StatusMethodNotAllowed:      "Not this way",
	http.StatusConflict:              "That does not go together",
	http.StatusRequestEntityTooLarge: "That is too much",
	http.StatusUnprocessableEntity:   "That is not quite right",
	http.StatusInternalServerError:   "Something went wrong here",
	http.StatusNotImplemented:        "This Souk cannot do that",
	http.StatusServiceUnavailable:    "Not available right now",
}

// fail answers with the error page.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil { // nobody is waiting for the page
		return
	}
	f := failureOf(err)
	if f.Status >= 500 {
		c.logger.LogAttrs(r.Context(), slog.LevelError, "page failed", slog.String("reference", f.Reference),
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	if err := c.render(w, response{status: f.Status, page: "error", title: f.Heading, body: f}); err != nil {
		http.Error(w, "internal server error", http.StatusInternalServerError)
	}
}
