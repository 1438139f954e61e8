package web

import (
	"context"

	"homeward/web/account"
)

// CallerName is who sent the request that a context belongs to, as account.Caller
// names it. It is empty where nobody is logged in, as on the local socket.
func CallerName(ctx context.Context) string { return account.CallerOf(ctx).Name() }
