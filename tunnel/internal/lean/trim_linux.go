package lean

import (
	"crypto/rand"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

var (
	// head is what stays of each buffer: one page, which a usual packet fits into.
	head = os.Getpagesize()
	// mark stands at the end of the head of a buffer that has been trimmed. A
	// packet that is larger than the head writes over it: then there are pages to
	// be given back again. Nobody outside knows it.
	mark = newMark()
)

const markSize = 8

func newMark() uint64 {
	var b [markSize]byte
	rand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}

// Trim makes buffers lean that are about to be filled. What is in them is lost.
func Trim(bufs [][]byte) {
	for _, b := range bufs {
		if len(b) < 2*head {
			continue
		}
		m := b[head-markSize : head]
		if binary.NativeEndian.Uint64(m) == mark {
			continue
		}
		// Whole pages of the buffer's own only. It begins at the begin of a page, as
		// all large allocations; one that does not is refused (EINVAL).
		whole := (len(b) - head) / head * head
		_ = unix.Madvise(b[head:head+whole], unix.MADV_DONTNEED)
		binary.NativeEndian.PutUint64(m, mark)
	}
}
