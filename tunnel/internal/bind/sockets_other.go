//go:build !linux

package bind

import "golang.zx2c4.com/wireguard/conn"

// newSockets makes wireguard-go's own sockets, which work everywhere.
func newSockets() conn.Bind { return conn.NewDefaultBind() }
