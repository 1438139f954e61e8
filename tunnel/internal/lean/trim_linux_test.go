package lean

import (
	"bytes"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kept counts the pages of a buffer that fill has filled which are still there:
// the others are zeros, since the kernel took them back.
func kept(b []byte) int {
	n := 0
	for at := 0; at < len(b); at += head {
		if b[at] == 0xaa {
			n++
		}
	}
	return n
}

// buffer is one as wireguard-go's, from the heap.
//
//go:noinline
func buffer() []byte { return new([1<<16 - 1]byte)[:] }

func batch(n int) (bufs [][]byte) {
	for range n {
		bufs = append(bufs, buffer())
	}
	return bufs
}

func fill(bufs ...[]byte) {
	for _, b := range bufs {
		for i := range b {
			b[i] = 0xaa
		}
	}
}

// fresh is a batch of which all pages are there, and a trimmer that has seen another.
func fresh(n int) (*Trimmer, [][]byte) {
	var t Trimmer
	t.Trim(batch(n))
	bufs := batch(n)
	fill(bufs...)
	return &t, bufs
}

func TestTrimGivesTheMiddleBack(t *testing.T) {
	seen, another := fresh(1)
	var first Trimmer
	one := batch(1)
	fill(one...)
	for name, c := range map[string]struct {
		t    *Trimmer
		bufs [][]byte
		most int // pages that stay
	}{"of the first batch": {&first, one, 1}, "of another": {seen, another, 2}} {
		c.t.Trim(c.bufs)
		b := c.bufs[0]
		if n := kept(b); n > c.most {
			t.Errorf("%s: %d of %d pages are left", name, n, len(b)/head+1)
		}
		if b[len(b)-1] != 0xaa {
			t.Errorf("%s: the end, which other data may share a page with, is not as it was", name)
		}
	}
}

func TestALargePacketIsTrimmedAgainLater(t *testing.T) {
	lean, bufs := fresh(2)
	lean.Trim(bufs)
	for range 2 {
		fill(bufs[0]) // a large packet, which leaves the buffer where it is
		lean.Filled(1)
		lean.Trim(bufs)
		if n := kept(bufs[0]); n > 2 {
			t.Errorf("%d pages are left", n)
		}
	}
	lean.Filled(1)
	fill(bufs[1])
	bufs[0], bufs[1] = bufs[1], bufs[0] // it comes back from the pool, to another place
	lean.Trim(bufs)
	if n := kept(bufs[0]); n > 2 {
		t.Errorf("%d pages are left of one that was elsewhere", n)
	}
}

func TestALeanBufferIsLeftAlone(t *testing.T) {
	lean, bufs := fresh(2)
	lean.Trim(bufs)
	for _, b := range bufs {
		b[head] = 0xaa // what a system call would take back
	}
	lean.Filled(1) // the first one is looked at, the other one is not
	lean.Trim(bufs)
	if bufs[0][head] != 0xaa || bufs[1][head] != 0xaa {
		t.Error("it costs a system call each time")
	}
}

// A batch is for bursts: most of it is never used.
func TestBuffersThatAreNeverUsedTakeNoMemory(t *testing.T) {
	b, err := unix.Mmap(-1, 0, 1<<16, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	var lean Trimmer
	for range 3 {
		lean.Trim([][]byte{b})
		lean.Filled(0)
	}
	pages := make([]byte, len(b)/head)
	if err := mincore(b, pages); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(pages, []byte{1}); n > 0 {
		t.Errorf("%d pages are there", n)
	}
}

func TestSmallBuffersAreLeftAlone(t *testing.T) {
	for _, size := range []int{0, 1, head, 2*head - 1} {
		b := make([]byte, size)
		fill(b)
		var lean Trimmer
		for range 2 {
			lean.Trim([][]byte{b})
			lean.Filled(1)
		}
		if !bytes.Equal(b, bytes.Repeat([]byte{0xaa}, size)) {
			t.Errorf("one of %d bytes is changed", size)
		}
	}
}

// BenchmarkTrimOfLeanBuffers is a batch of which one buffer was used.
func BenchmarkTrimOfLeanBuffers(b *testing.B) {
	lean, bufs := fresh(128)
	lean.Trim(bufs)
	for b.Loop() {
		lean.Filled(1)
		lean.Trim(bufs)
	}
}

// mincore says which pages are there: 1 for each that is.
func mincore(b, pages []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(&pages[0])))
	if errno != 0 {
		return errno
	}
	return nil
}
