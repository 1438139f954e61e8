package bind

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"

	"homeward/tunnel/internal/rawcall"
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
	messages [conn.IdealBatchSize]rawcall.Message
	packets  [conn.IdealBatchSize]unix.Iovec // the messages' are parts of it
	controls [conn.IdealBatchSize][controlSize]byte

	put  func(fd uintptr) bool // write, kept so that no call allocates
	left []rawcall.Message     // to be sent
	few  bool
	err  error
}

func newSender() *sender {
	o := &sender{}
	o.put = o.write
	return o
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
	for len(packets) > 0 {
		n := min(len(packets), conn.IdealBatchSize)
		err := o.send(k, packets[:n], e)
		clear(o.packets[:n]) // the packets are not ours to keep
		if err != nil {
			return err
		}
		packets = packets[n:]
	}
	return nil
}

func (o *sender) send(k *socket, packets [][]byte, e *endpoint) error {
	if !k.gso.Load() {
		return o.sendAll(k, o.pack(packets, e, false))
	}
	err := o.sendAll(k, o.pack(packets, e, true))
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
	return o.sendAll(k, o.pack(packets, e, false))
}

// pack makes messages of packets: of one each, or with join of as many as fit.
func (o *sender) pack(packets [][]byte, e *endpoint, join bool) []rawcall.Message {
	for i, p := range packets {
		o.packets[i] = rawcall.Part(p)
	}
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
		control := o.controls[n][:0]
		if source {
			control = append(control, e.control...)
		}
		if i-first > 1 {
			var data [2]byte
			binary.NativeEndian.PutUint16(data[:], uint16(size))
			control = appendControl(control, unix.SOL_UDP, unix.UDP_SEGMENT, data[:]...)
		}
		m := &o.messages[n]
		m.Name, m.Namelen = &e.name[0], e.nameLen
		m.Iov = &o.packets[first]
		m.SetIovlen(i - first)
		m.Control = &o.controls[n][0]
		m.SetControllen(len(control))
	}
	return o.messages[:n]
}

// sendAll sends all messages, waiting for room.
func (o *sender) sendAll(k *socket, messages []rawcall.Message) error {
	o.left, o.few, o.err = messages, len(messages) <= rawcall.Few, nil
	if err := k.raw.Write(o.put); err != nil {
		return err
	}
	return o.err
}

// write says whether it is done with waiting.
func (o *sender) write(fd uintptr) bool {
	for len(o.left) > 0 {
		n, errno := rawcall.Send(fd, o.left, o.few)
		switch errno {
		case 0:
			o.left = o.left[n:]
		case unix.EAGAIN:
			return false
		default:
			o.err = os.NewSyscallError("sendmmsg", errno)
			return true
		}
	}
	return true
}
