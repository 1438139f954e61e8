package netstack

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// What the stack may have waiting for wireguard-go: some of its batches. A full
// queue makes the stack wait, not drop.
const (
	queueLength = 256     // packets, of any size
	queueBytes  = 1 << 20 // beyond this, no more packets
)

// queue holds packets on their way to wireguard-go.
type queue struct {
	mu     sync.Mutex // guards what follows
	space  sync.Cond  // there is room, or it is closed
	data   sync.Cond  // there are packets, or it is closed
	ring   [queueLength]*stack.PacketBuffer
	head   int
	length int
	bytes  int
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.space.L, q.data.L = &q.mu, &q.mu
	return q
}

func (q *queue) fullLocked() bool { return q.length == queueLength || q.bytes >= queueBytes }

// put queues p, waiting for room, and says whether the queue is still open.
func (q *queue) put(p *stack.PacketBuffer) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.fullLocked() && !q.closed {
		q.space.Wait()
	}
	if q.closed {
		return false
	}
	q.ring[(q.head+q.length)%queueLength] = p.IncRef()
	q.length++
	q.bytes += p.Size()
	if q.length == 1 {
		q.data.Signal()
	}
	return true
}

// take waits for packets and moves to dst as many as have no more segments than
// that, but at least one. It returns 0 when the queue is closed.
func (q *queue) take(dst []*stack.PacketBuffer, most int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.length == 0 && !q.closed {
		q.data.Wait()
	}
	full := q.fullLocked()
	n := 0
	for n < len(dst) && q.length > 0 {
		if most -= segments(q.ring[q.head]); most < 0 && n > 0 {
			break
		}
		dst[n] = q.popLocked()
		n++
	}
	if full {
		q.space.Broadcast()
	}
	return n
}

func (q *queue) popLocked() *stack.PacketBuffer {
	p := q.ring[q.head]
	q.ring[q.head] = nil
	q.head = (q.head + 1) % queueLength
	q.length--
	q.bytes -= p.Size()
	return p
}

// close drops what waits and wakes whoever does.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for q.length > 0 {
		q.popLocked().DecRef()
	}
	q.space.Broadcast()
	q.data.Broadcast()
}
