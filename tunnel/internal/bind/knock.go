package bind

import "golang.zx2c4.com/wireguard/conn"

// answerKnocks answers the browsers that may knock. What they sent goes no further.
func (b *Bind) answerKnocks(packets [][]byte, sizes []int, eps []conn.Endpoint) {
	for i, p := range packets {
		answer, ok := b.cfg.Door.Answer(p[:sizes[i]], addrPort(eps[i]), b.called(eps[i]))
		if !ok {
			continue
		}
		sizes[i] = 0
		_ = b.Bind.Send([][]byte{answer}, eps[i]) // a browser asks again when an answer is lost
	}
}

// called is the port of ours that a packet came to.
func (b *Bind) called(ep conn.Endpoint) uint16 {
	if e, ok := ep.(interface{ called() uint16 }); ok && e.called() != 0 {
		return e.called()
	}
	return b.cfg.Port
}
