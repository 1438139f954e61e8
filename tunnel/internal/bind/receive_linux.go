package bind

import (
	"os"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"

	"homeward/tunnel/internal/rawcall"
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
	via      uint16 // as in endpoint
	messages []rawcall.Message
	room     []room

	take func(fd uintptr) bool // read, kept so that no call allocates
	few  bool                  // there were few the last time
	n    int                   // messages received
	err  error

	at, off int // the message that is being handed out, and how much of it was
	size    int // of its datagrams
	from    sockaddr
	ep      *endpoint // from
}

// room is where a message goes.
type room struct {
	data    unix.Iovec // only the pages of a buffer that are written to cost memory
	buffer  []byte
	from    sockaddr
	control [controlSize]byte
}

func newReceiver(k *socket, via uint16) *receiver {
	n := plainMessages
	if k.gro {
		n = groMessages
	}
	r := &receiver{k: k, via: via, messages: make([]rawcall.Message, n), room: make([]room, n)}
	r.take = r.read
	buffers := make([]byte, n*messageSize)
	for i := range r.messages {
		m, w := &r.messages[i], &r.room[i]
		w.buffer = buffers[i*messageSize:][:messageSize]
		w.data = rawcall.Part(w.buffer)
		m.Iov, m.Name, m.Control = &w.data, &w.from[0], &w.control[0]
		m.SetIovlen(1)
		ready(m)
	}
	return r
}

// ready says how much room there is, after the kernel has said how much it took.
func ready(m *rawcall.Message) {
	m.Namelen = unix.SizeofSockaddrInet6
	m.SetControllen(controlSize)
}

// receive is a conn.ReceiveFunc.
func (r *receiver) receive(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
	if r.at == r.n {
		if err := r.wait(); err != nil {
			return 0, err
		}
	}
	k := 0
	for r.at < r.n && k < len(packets) {
		m, w := &r.messages[r.at], &r.room[r.at]
		end := int(m.Size)
		if r.off == 0 {
			r.begin(m, w)
		}
		for k < len(packets) && r.off < end {
			next := min(r.off+r.size, end)
			sizes[k], eps[k] = copy(packets[k], w.buffer[r.off:next]), r.ep
			r.off = next
			k++
		}
		if r.off == end {
			r.at, r.off = r.at+1, 0
		}
	}
	return k, nil
}

// wait waits for messages.
func (r *receiver) wait() error {
	for i := range r.messages[:r.n] {
		ready(&r.messages[i])
	}
	r.few = r.n <= rawcall.Few
	r.at, r.n, r.err = 0, 0, nil
	if err := r.k.raw.Read(r.take); err != nil {
		return err
	}
	return r.err
}

// read says whether it is done with waiting.
func (r *receiver) read(fd uintptr) bool {
	n, errno := rawcall.Receive(fd, r.messages, r.few)
	switch errno {
	case 0:
		r.n = n
	case unix.EAGAIN:
		return false
	default:
		r.err = os.NewSyscallError("recvmmsg", errno)
	}
	return true
}

// begin reads whom a message is from and how its datagrams are joined.
func (r *receiver) begin(m *rawcall.Message, w *room) {
	src, ifindex, size := parseControl(w.control[:m.Controllen])
	if r.size = size; size == 0 {
		r.size = int(m.Size)
	}
	if e := r.ep; e == nil || r.from != w.from || e.src != src || e.cleared.Load() {
		r.from = w.from
		r.ep = newEndpoint(w.from.addrPort(), src, ifindex, r.via)
	}
}
