package bind

import (
	"context"
	"net/netip"

	"golang.zx2c4.com/wireguard/conn"
)

// takeEchoes takes out what was answered to our own questions.
func (b *Bind) takeEchoes(packets [][]byte, sizes []int, eps []conn.Endpoint) {
	for i, p := range packets {
		if b.cfg.Asker.Take(p[:sizes[i]], addrPort(eps[i])) {
			sizes[i] = 0
		}
	}
}

// Echo asks a STUN server, from one of our ports, as whom it sees us.
func (b *Bind) Echo(ctx context.Context, server netip.AddrPort, port uint16) (netip.AddrPort, error) {
	to, err := b.Bind.ParseEndpoint(server.String())
	if err != nil {
		return netip.AddrPort{}, err
	}
	if v, ok := to.(interface{ viaPort(uint16) conn.Endpoint }); ok && port != b.cfg.Port {
		to = v.viaPort(port)
	}
	return b.cfg.Asker.Ask(ctx, server, func(question []byte) error { return b.Bind.Send([][]byte{question}, to) })
}
