package console

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/market"
)

// callerKey and viewerKey are where a request's context holds who looks.
type (
	callerKey struct{}
	viewerKey struct{}
)

// withCaller is ctx, with who looks in it.
func withCaller(ctx context.Context, c market.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerIn is who looks: the zero Caller, who may do nothing, where nobody said.
func callerIn(ctx context.Context) market.Caller {
	c, _ := ctx.Value(callerKey{}).(market.Caller)
	return c
}

// viewer is who looks, as pages speak of them. The zero viewer is nobody.
type viewer struct {
	caller market.Caller
	name   string
	out    bool        // there is a session to sign out of
	still  func() bool // whether a look now would find the same; nil: always
}

// house is who looks where nobody is asked who they are.
func house() viewer { return viewer{caller: market.Operator()} }

// sees reports whether a page, by its method and pattern, is one that the viewer may come to.
func (v viewer) sees(page string) bool {
	if v.caller.Operator {
		return true
	}
	rights, ok := pageRights()[page]
	return ok && v.caller.Account != "" && (rights == 0 || v.caller.Rights.Has(rights))
}

// viewed is an answer that knows who will look at it: the frame around every page shows it.
type viewed struct {
	http.ResponseWriter
	by viewer
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *viewed) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// viewerOf is who will look at an answer.
func viewerOf(w http.ResponseWriter) viewer {
	if v, ok := w.(*viewed); ok {
		return v.by
	}
	return viewer{}
}

// view notes who looks, in the answer and in the request.
func view(w http.ResponseWriter, r *http.Request, v viewer) (http.ResponseWriter, *http.Request) {
	ctx := context.WithValue(withCaller(r.Context(), v.caller), viewerKey{}, v)
	return &viewed{w, v}, r.WithContext(ctx)
}

// stillSees reports whether who asked may go on looking: an answer that goes on and on has to end when its session does.
func stillSees(ctx context.Context) bool {
	v, ok := ctx.Value(viewerKey{}).(viewer)
	return !ok || v.still == nil || v.still()
}
