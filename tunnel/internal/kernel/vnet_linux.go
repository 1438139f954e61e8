package kernel

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"

	"homeward/tunnel/internal/rawcall"
	"homeward/tunnel/internal/segment"
)

// The header before each packet of the TUN device (struct virtio_net_hdr).
const (
	vnetFlags, vnetGSO, vnetHeader, vnetMSS, vnetStart, vnetSum, vnetLen = 0, 1, 2, 4, 6, 8, 10

	maxPacket = 65535
)

// reader takes packets from the TUN device, with all that one call of Read has.
type reader struct {
	take func(fd uintptr) bool // read, kept so that no call allocates
	in   []byte                // one packet as it was read

	large   segment.Large // what is left of it
	payload [1][]byte
	cutting bool

	bufs   [][]byte
	sizes  []int
	offset int
	n      int  // handed out
	few    bool // there were few the last time
	waited bool // for what is read
	err    error
}

func (r *reader) init() {
	r.take = r.read
	r.in = make([]byte, vnetLen+maxPacket)
}

// read says whether it is done with waiting. What has been waited for is handed
// out at once; whether there is more, the next call sees.
func (r *reader) read(fd uintptr) bool {
	for r.n < len(r.bufs) {
		n, err := rawcall.Read(fd, r.in, r.few)
		switch {
		case err == unix.EAGAIN:
			r.waited = r.n == 0
			return !r.waited
		case err != 0:
			r.err = err
			return true
		case n > vnetLen:
			r.packet(r.in[:vnetLen], r.in[vnetLen:n])
			if r.waited {
				return true
			}
		}
	}
	return true
}

// packet hands out one packet, in segments if it is large.
func (r *reader) packet(v, p []byte) {
	start, sum := int(binary.NativeEndian.Uint16(v[vnetStart:])), int(binary.NativeEndian.Uint16(v[vnetSum:]))
	if v[vnetGSO] != unix.VIRTIO_NET_HDR_GSO_NONE {
		// The kernel's own length of the headers may include payload.
		if start+20 > len(p) {
			return
		}
		end := min(start+int(p[start+12]>>4)*4, len(p))
		r.payload[0] = p[end:]
		r.cutting = end > start && r.large.Begin(p[:start], p[start:end], r.payload[:], int(binary.NativeEndian.Uint16(v[vnetMSS:])))
		r.handOut()
		return
	}
	if v[vnetFlags]&unix.VIRTIO_NET_HDR_F_NEEDS_CSUM != 0 && start+sum+2 <= len(p) {
		c := p[start+sum:]
		begun := binary.BigEndian.Uint16(c)
		c[0], c[1] = 0, 0
		total := ^segment.Sum(p[start:], begun)
		if total == 0 {
			total = 0xffff // 0 means "none" for UDP, and is the same for TCP
		}
		binary.BigEndian.PutUint16(c, total)
	}
	if len(p) <= len(r.bufs[r.n])-r.offset {
		r.sizes[r.n] = copy(r.bufs[r.n][r.offset:], p)
		r.n++
	}
}

// handOut cuts what is left of a large packet, as far as bufs reach.
func (r *reader) handOut() {
	for r.cutting && r.n < len(r.bufs) {
		size := r.large.Next(r.bufs[r.n][r.offset:])
		if size == 0 {
			r.cutting = false
			return
		}
		r.sizes[r.n] = size
		r.n++
	}
}

// writer hands packets to the TUN device.
type writer struct {
	put   func(fd uintptr) bool // write, kept so that no call allocates
	runs  segment.Runs
	parts []unix.Iovec // of one packet
	few   bool
	err   error
}

func (w *writer) init() { w.put = w.write }

// batch writes at most segment.Batch packets. offset must leave room for the
// header before each.
func (w *writer) batch(raw syscall.RawConn, bufs [][]byte, offset int) error {
	var errs error
	w.runs.Find(bufs, offset)
	w.few = len(bufs) <= rawcall.Few
	for i := range w.runs.List {
		run := &w.runs.List[i]
		v := bufs[run.First][offset-vnetLen:][:vnetLen]
		clear(v)
		if run.Count > 1 {
			joined(v, run)
			run.Merge(bufs[run.First][offset:], bufs[run.Last][offset:])
		}
		w.parts = append(w.parts[:0], rawcall.Part(bufs[run.First][offset-vnetLen:]))
		for at, n := run.First, 1; n < run.Count; n++ {
			at = w.runs.Next(at)
			w.parts = append(w.parts, rawcall.Part(bufs[at][offset+run.HeaderLen():]))
		}
		w.err = nil
		if err := raw.Write(w.put); err != nil {
			return err
		}
		if w.err != nil {
			errs = w.err
		}
	}
	clear(w.parts)
	return errs
}

// joined describes a joined packet for the kernel.
func joined(v []byte, run *segment.Run) {
	v[vnetFlags], v[vnetGSO] = unix.VIRTIO_NET_HDR_F_NEEDS_CSUM, unix.VIRTIO_NET_HDR_GSO_TCPV4
	if run.IPLen() == 40 {
		v[vnetGSO] = unix.VIRTIO_NET_HDR_GSO_TCPV6
	}
	binary.NativeEndian.PutUint16(v[vnetHeader:], uint16(run.HeaderLen()))
	binary.NativeEndian.PutUint16(v[vnetMSS:], uint16(run.MSS))
	binary.NativeEndian.PutUint16(v[vnetStart:], uint16(run.IPLen()))
	binary.NativeEndian.PutUint16(v[vnetSum:], 16)
}

// write says whether it is done with waiting.
func (w *writer) write(fd uintptr) bool {
	_, err := rawcall.Writev(fd, w.parts, w.few)
	switch err {
	case unix.EAGAIN:
		return false
	case 0:
		w.err = nil
	default:
		w.err = err
	}
	return true
}
