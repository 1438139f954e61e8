package tunnel

import (
	"context"
	"errors"
	"net/netip"

	"homeward/tunnel/internal/echo"
)

// The errors of Echo that callers act on.
var (
	// ErrEchoSilent says that the server did not answer in time.
	ErrEchoSilent = echo.ErrSilent
	// ErrDown says that the tunnel does not run.
	ErrDown = errors.New("the tunnel is down")
)

// Echo asks a STUN server (RFC 8489) as whom it sees us when we send from one of our
// UDP ports: ListenPort or a further one. It takes three and a half seconds at most. The
// server learns our address and that we ask.
func (t *Tunnel) Echo(ctx context.Context, server netip.AddrPort, port uint16) (netip.AddrPort, error) {
	t.mu.Lock()
	socket := t.socket
	t.mu.Unlock()
	if socket == nil {
		return netip.AddrPort{}, ErrDown
	}
	return socket.Echo(ctx, server, port)
}
