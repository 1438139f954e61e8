package lean

import (
	"bytes"
	"testing"
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

func fill(b []byte) {
	for i := range b {
		b[i] = 0xaa
	}
}

func TestTrimGivesTheMiddleBack(t *testing.T) {
	b := buffer()
	fill(b)
	Trim([][]byte{b})
	if n := kept(b); n > 2 {
		t.Errorf("%d of %d pages are left", n, len(b)/head+1)
	}
	if b[0] != 0xaa || b[len(b)-1] != 0xaa {
		t.Error("the ends, which other data may share a page with, are not as they were")
	}
}

func TestALargePacketIsTrimmedAgainLater(t *testing.T) {
	b := buffer()
	Trim([][]byte{b})
	fill(b) // a large packet
	Trim([][]byte{b})
	if n := kept(b); n > 2 {
		t.Errorf("%d pages are left", n)
	}
}

func TestALeanBufferIsLeftAlone(t *testing.T) {
	b := buffer()
	Trim([][]byte{b})
	b[head] = 0xaa // what a system call would take back
	Trim([][]byte{b})
	if b[head] != 0xaa {
		t.Error("it costs a system call each time")
	}
}

func TestSmallBuffersAreLeftAlone(t *testing.T) {
	for _, size := range []int{0, 1, head, 2*head - 1} {
		b := make([]byte, size)
		fill(b)
		Trim([][]byte{b})
		if !bytes.Equal(b, bytes.Repeat([]byte{0xaa}, size)) {
			t.Errorf("one of %d bytes is changed", size)
		}
	}
}

func BenchmarkTrimOfLeanBuffers(b *testing.B) {
	bufs := make([][]byte, 128)
	for i := range bufs {
		bufs[i] = buffer()
	}
	for b.Loop() {
		Trim(bufs)
	}
}
