package console

import (
	"context"

	"github.com/souk-market/souk/internal/market"
)

// callerKey is where a request's context holds who looks.
type callerKey struct{}

// withCaller is ctx, with who looks in it.
func withCaller(ctx context.Context, c market.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerIn is who looks: the zero Caller, who may do nothing, where nobody said.
func callerIn(ctx context.Context) market.Caller {
	c, _ := ctx.Value(callerKey{}).(market.Caller)
	return c
}
