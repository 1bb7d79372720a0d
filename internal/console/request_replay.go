package console

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/souk-market/souk/internal/replay"
	"github.com/souk-market/souk/internal/reqlog"
)

// replayForm is the part of the page that sends the request again.
type replayForm struct {
	Offered bool   // this Souk sends requests again at all
	Why     string // this one cannot be; "" if it can
	Action  string
	Caller  string
	Body    string
	Note    string
	Problem string
}

// replayForm says whether and how the request can be sent again.
func (c *Console) replayForm(ctx context.Context, v reqlog.View, shown requestShown) replayForm {
	f := replayForm{Offered: c.replay.Do != nil && callerIn(ctx).Operator, Action: requestPath(v.ID) + "/replay", Problem: shown.problem}
	if !f.Offered {
		return f
	}
	if err := c.replay.Possible(ctx, &v); err != nil {
		f.Why = sentence(err.Error())
		return f
	}
	f.Caller = shortened(v.Principal, 256)
	body, note := bodyToSend(v)
	if n, ok := parseObject(body); ok {
		body = jsonText(n, false)
	}
	f.Body, f.Note = body, note
	if plain(body) != body { // a text field would hide it, or the form change it
		f.Body, f.Note = "", "The body has characters that cannot be seen, so it is not shown for editing."
	}
	if shown.body != nil {
		f.Body = *shown.body
	}
	return f
}

// sendAgain sends the request again, its body edited or not, and leads to the page of the new one.
func (c *Console) sendAgain(w http.ResponseWriter, r *http.Request) error {
	if c.replay.Do == nil {
		return notSimulated("requests that are sent again")
	}
	v, err := c.requestByID(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	var body *string
	if r.PostForm.Has("body") {
		text := strings.ReplaceAll(r.PostForm.Get("body"), "\r\n", "\n") // browsers send these for line breaks
		body = &text
	}
	again, err := c.replay.Send(r.Context(), &v, body)
	var (
		impossible replay.Impossible
		bad        replay.BadBody
		unanswered replay.Unanswered
	)
	refused := func(status int) error {
		return c.showRequest(w, r, status, v, requestShown{body: body, problem: sentence(err.Error())})
	}
	switch {
	case errors.As(err, &impossible):
		return &httpError{http.StatusConflict, sentence(err.Error())}
	case errors.As(err, &bad):
		return refused(http.StatusUnprocessableEntity)
	case errors.As(err, &unanswered):
		return refused(http.StatusServiceUnavailable)
	case err != nil:
		return err
	}
	http.Redirect(w, r, requestPath(again.ID), http.StatusSeeOther)
	return nil
}
