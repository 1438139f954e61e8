package account

import (
	"context"
	"net/netip"
)

// Caller is who sent a request. The zero Caller is nobody that is known: a visitor,
// or somebody on the box.
type Caller struct {
	User
	Token string // the name of the token by which a program came in; empty: a login
	May   Scopes
	From  netip.Addr
}

// Name is who did something, for the log: the user, and which of the user's tokens it
// was. No user's name has a slash.
func (c Caller) Name() string {
	if c.Token == "" {
		return c.User.Name
	}
	return c.User.Name + "/" + c.Token
}

// callerKey is where a context keeps its Caller.
type callerKey struct{}

// WithCaller is a context of what c sent.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is who sent what a context belongs to.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}
