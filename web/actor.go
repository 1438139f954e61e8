package web

import (
	"context"

	"homeward/web/account"
)

// CallerName is the name of the user whose request a context belongs to. It is
// empty where nobody is logged in, as on the local socket.
func CallerName(ctx context.Context) string {
	u, _ := ctx.Value(callerKey{}).(account.User)
	return u.Name
}
