package kernel

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"homeward/tunnel/internal/segment"
)

// wire joins a tunDevice to a file that the test reads and writes packets on,
// as the kernel would.
func wire(t *testing.T) (*tunDevice, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []int{unix.SO_SNDBUF, unix.SO_RCVBUF} {
		_ = unix.SetsockoptInt(fds[0], unix.SOL_SOCKET, o, 4<<20)
	}
	d, err := newTUN(fds[0], "test0", 1420)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	f := os.NewFile(uintptr(fds[1]), "kernel")
	t.Cleanup(func() { f.Close() })
	return d, f
}

// tcpPacket is a packet of one stream with right checksums.
func tcpPacket(v6 bool, seq uint32, payload []byte) []byte {
	ip := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	if v6 {
		ip = make([]byte, 40)
		ip[0], ip[6], ip[7], ip[23], ip[39] = 0x60, 6, 64, 1, 2
	}
	tcp := make([]byte, 20)
	tcp[1], tcp[3], tcp[12], tcp[13] = 80, 9, 0x50, 0x10
	binary.BigEndian.PutUint32(tcp[4:], seq)
	var c segment.Large
	b := make([]byte, 2000)
	if !c.Begin(ip, tcp, [][]byte{payload}, 1500) {
		panic("no TCP")
	}
	return b[:c.Next(b)]
}

const space = 16 // before each packet, as wireguard-go leaves it

func buffers(n int) ([][]byte, []int) {
	bufs := make([][]byte, n)
	for i := range bufs {
		bufs[i] = make([]byte, 65535)
	}
	return bufs, make([]int, n)
}

func TestAStreamCrossesTheTUNDeviceAsOnePacketAndIsCutAgain(t *testing.T) {
	for name, v6 := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			d, kernel := wire(t)
			var want, out [][]byte
			for i := range 30 {
				p := tcpPacket(v6, uint32(i)*1000, bytes.Repeat([]byte{byte(i)}, 1000))
				if !v6 { // cutting numbers them
					binary.BigEndian.PutUint16(p[4:], uint16(i))
					p[10], p[11] = 0, 0
					binary.BigEndian.PutUint16(p[10:], ^segment.Sum(p[:20], 0))
				}
				want = append(want, p)
				out = append(out, append(make([]byte, space), p...))
			}
			if n, err := d.Write(out, space); n != len(out) || err != nil {
				t.Fatal(n, err)
			}
			large := make([]byte, 70000)
			n, err := kernel.Read(large)
			if header := len(want[0]) - 1000; err != nil || n != vnetLen+header+30*1000 {
				t.Fatalf("the kernel gets %d bytes, %v", n, err)
			}
			if _, err := kernel.Write(large[:n]); err != nil {
				t.Fatal(err)
			}
			bufs, sizes := buffers(8) // fewer than there are segments
			for i := 0; i < len(want); {
				n, err := d.Read(bufs, sizes, space)
				if err != nil {
					t.Fatal(err)
				}
				for j := range n {
					if got := bufs[j][space:][:sizes[j]]; !bytes.Equal(got, want[i]) {
						t.Fatalf("segment %d:\n%x, want\n%x", i, got[:60], want[i][:60])
					}
					i++
				}
			}
		})
	}
}

func TestOneReadTakesAllThatWaits(t *testing.T) {
	d, kernel := wire(t)
	for i := range 5 {
		if _, err := kernel.Write(append(make([]byte, vnetLen), tcpPacket(false, uint32(i), []byte("x"))...)); err != nil {
			t.Fatal(err)
		}
	}
	bufs, sizes := buffers(8)
	if n, err := d.Read(bufs, sizes, space); n != 5 || err != nil {
		t.Errorf("%d packets, %v", n, err)
	}
}

func TestAChecksumLeftToTheCardIsFilledIn(t *testing.T) {
	d, kernel := wire(t)
	p := tcpPacket(false, 1, []byte("payload"))
	begun := bytes.Clone(p)
	binary.BigEndian.PutUint16(begun[36:], segment.Sum(p[12:20], uint16(6+len(p)-20)))
	v := make([]byte, vnetLen)
	v[vnetFlags] = unix.VIRTIO_NET_HDR_F_NEEDS_CSUM
	binary.NativeEndian.PutUint16(v[vnetStart:], 20)
	binary.NativeEndian.PutUint16(v[vnetSum:], 16)
	if _, err := kernel.Write(append(v, begun...)); err != nil {
		t.Fatal(err)
	}
	bufs, sizes := buffers(1)
	if n, err := d.Read(bufs, sizes, space); n != 1 || err != nil || !bytes.Equal(bufs[0][space:][:sizes[0]], p) {
		t.Errorf("%d, %v:\n%x, want\n%x", n, err, bufs[0][space:][:sizes[0]], p)
	}
}

func TestBrokenHeadersOfTheTUNDeviceDoNoHarm(t *testing.T) {
	d, kernel := wire(t)
	good := tcpPacket(false, 7, []byte("good"))
	for _, b := range [][]byte{
		{1, 1, 0},
		{1, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x45},
		append([]byte{1, unix.VIRTIO_NET_HDR_GSO_TCPV4, 40, 0, 0, 0, 20, 0, 16, 0}, good...),
		append([]byte{1, unix.VIRTIO_NET_HDR_GSO_TCPV4, 40, 0, 100, 0, 39, 0, 16, 0}, good...),
		append([]byte{1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, good...),
		append(make([]byte, vnetLen), good...),
	} {
		if _, err := kernel.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	bufs, sizes := buffers(8)
	n, err := d.Read(bufs, sizes, space)
	if err != nil || n < 1 || !bytes.Equal(bufs[n-1][space:][:sizes[n-1]], good) {
		t.Errorf("%d packets, %v", n, err)
	}
}

func TestReadingEndsWhenTheDeviceIsClosed(t *testing.T) {
	d, _ := wire(t)
	ended := make(chan error)
	go func() {
		bufs, sizes := buffers(1)
		_, err := d.Read(bufs, sizes, space)
		ended <- err
	}()
	d.Close()
	d.Close()
	if err := <-ended; err != os.ErrClosed {
		t.Errorf("ended with %v", err)
	}
}
