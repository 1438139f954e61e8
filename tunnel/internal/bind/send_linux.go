package bind

import (
	"encoding/binary"
	"errors"

	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
)

const (
	// maxJoined leaves room for IPv6, UDP, Ethernet and VLAN headers below
	// Linux's gso_max_size of 65536: the kernel takes larger messages apart in
	// software, which costs more than was saved.
	maxJoined   = 65536 - 1 - 40 - 8 - 18
	maxSegments = 64 // the kernel's own limit
)

// sender is what one call of Send needs. It is lent from a pool.
type sender struct {
	messages [conn.IdealBatchSize]ipv6.Message
	packets  [conn.IdealBatchSize][]byte // the messages' buffers are parts of it
}

func newSender() *sender {
	s := &sender{}
	for i := range s.messages {
		s.messages[i].OOB = make([]byte, 0, controlSize)
	}
	return s
}

// Send implements conn.Bind.
func (s *sockets) Send(packets [][]byte, to conn.Endpoint) error {
	e, ok := to.(*endpoint)
	if !ok {
		return conn.ErrWrongEndpointType
	}
	k, err := s.of(e)
	if err != nil {
		return err
	}
	o := s.senders.Get().(*sender)
	defer s.senders.Put(o)
	defer clear(o.packets[:]) // the packets are not ours to keep
	for len(packets) > 0 {
		n := min(len(packets), conn.IdealBatchSize)
		if err := o.send(k, packets[:n], e); err != nil {
			return err
		}
		packets = packets[n:]
	}
	return nil
}

func (o *sender) send(k *socket, packets [][]byte, e *endpoint) error {
	if !k.gso.Load() {
		return k.write(o.pack(packets, e, false))
	}
	err := k.write(o.pack(packets, e, true))
	switch {
	case errors.Is(err, unix.EIO):
		k.gso.Store(false) // a network card without checksum offload
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EMSGSIZE):
		// Larger than the path takes in one piece: the kernel then makes
		// fragments, but not of joined packets.
	default:
		return err
	}
	// Some may have been sent. WireGuard takes a packet that arrives twice once.
	return k.write(o.pack(packets, e, false))
}

// pack makes messages of packets: of one each, or with join of as many as fit.
func (o *sender) pack(packets [][]byte, e *endpoint, join bool) []ipv6.Message {
	copy(o.packets[:], packets)
	source := e.SrcIP().IsValid()
	n := 0
	for i := 0; i < len(packets); n++ {
		first, size, total := i, len(packets[i]), 0
		for i < len(packets) {
			l := len(packets[i])
			if i > first && (!join || l > size || total+l > maxJoined || i-first == maxSegments) {
				break
			}
			total += l
			i++
			if l < size {
				break // a shorter one is the last
			}
		}
		m := &o.messages[n]
		m.Addr, m.Buffers, m.OOB = e.udp, o.packets[first:i], m.OOB[:0]
		if source {
			m.OOB = append(m.OOB, e.control...)
		}
		if i-first > 1 {
			var data [2]byte
			binary.NativeEndian.PutUint16(data[:], uint16(size))
			m.OOB = appendControl(m.OOB, unix.SOL_UDP, unix.UDP_SEGMENT, data[:]...)
		}
	}
	return o.messages[:n]
}

// write sends all messages, waiting for room.
func (k *socket) write(messages []ipv6.Message) error {
	for len(messages) > 0 {
		n, err := k.batch.WriteBatch(messages, 0)
		if err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}
