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

// Trimmer trims the buffers of one who fills them, batch by batch. It is for one
// goroutine.
type Trimmer struct {
	known  []*byte // where the buffers of the last batch begin
	filled int     // how many of them something was written into, from the first one on
}

// Trim makes buffers lean that are about to be filled. What is in them is lost.
func (t *Trimmer) Trim(bufs [][]byte) {
	for i, b := range bufs {
		if len(b) < 2*head {
			return // they are all of one size
		}
		switch {
		case i >= len(t.known): // the first batch
			// Without a mark, for which a buffer would need a page: most of them are for
			// bursts, and may never need one.
			giveBack(b)
			t.known = append(t.known, &b[0])
		case t.known[i] != &b[0]:
			t.known[i] = &b[0]
			trim(b)
		case i < t.filled:
			trim(b)
		}
	}
}

// Filled says that something was written into the first n buffers of the last batch,
// and into no others.
func (t *Trimmer) Filled(n int) { t.filled = n }

// trim makes one lean, unless it is.
func trim(b []byte) {
	m := b[head-markSize : head]
	if binary.NativeEndian.Uint64(m) == mark {
		return
	}
	giveBack(b[head:])
	binary.NativeEndian.PutUint64(m, mark)
}

// giveBack gives back the pages that are wholly b's. It begins at the begin of a page,
// as all large allocations; one that does not is refused (EINVAL).
func giveBack(b []byte) {
	_ = unix.Madvise(b[:len(b)/head*head], unix.MADV_DONTNEED)
}
