package bind

import (
	"net"

	"golang.org/x/net/ipv6"
	"golang.zx2c4.com/wireguard/conn"
)

// How many messages one system call takes: with GRO each may have 64 KiB.
const (
	groMessages   = 16
	plainMessages = 64
	messageSize   = 65535
)

// receiver takes messages into buffers of its own and hands out what is joined
// in them. One goroutine uses it.
type receiver struct {
	k        *socket
	via      uint16         // as in endpoint
	messages []ipv6.Message // only the pages of their buffers that are written to cost memory
	n        int            // messages received

	at, off int // the message that is being handed out, and how much of it was
	size    int // of its datagrams
	ep      *endpoint
}

func newReceiver(k *socket, via uint16) *receiver {
	n := plainMessages
	if k.gro {
		n = groMessages
	}
	r := &receiver{k: k, via: via, messages: make([]ipv6.Message, n)}
	buffers := make([]byte, n*messageSize)
	for i := range r.messages {
		r.messages[i].Buffers = [][]byte{buffers[i*messageSize:][:messageSize]}
		r.messages[i].OOB = make([]byte, controlSize)
	}
	return r
}

// receive is a conn.ReceiveFunc.
func (r *receiver) receive(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
	if r.at == r.n {
		r.at, r.n = 0, 0
		n, err := r.k.batch.ReadBatch(r.messages, 0)
		if err != nil {
			return 0, err
		}
		r.n = n
	}
	k := 0
	for r.at < r.n && k < len(packets) {
		m := &r.messages[r.at]
		if r.off == 0 {
			r.begin(m)
		}
		for k < len(packets) && r.off < m.N {
			end := min(r.off+r.size, m.N)
			sizes[k], eps[k] = copy(packets[k], m.Buffers[0][r.off:end]), r.ep
			r.off = end
			k++
		}
		if r.off == m.N {
			r.at, r.off = r.at+1, 0
		}
	}
	return k, nil
}

// begin reads whom a message is from and how its datagrams are joined.
func (r *receiver) begin(m *ipv6.Message) {
	src, ifindex, size := parseControl(m.OOB[:m.NN])
	if r.size = size; size == 0 {
		r.size = m.N
	}
	from := m.Addr.(*net.UDPAddr).AddrPort()
	if e := r.ep; e == nil || e.to != from || e.src != src || e.cleared.Load() {
		r.ep = newEndpoint(from, src, ifindex, r.via)
	}
}
