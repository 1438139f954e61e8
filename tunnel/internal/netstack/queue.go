package netstack

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// What the stack may have waiting for wireguard-go: some of its batches. A full
// queue makes the stack wait, not drop.
const (
	queueLength = 256     // packets, of any size
	queueBytes  = 1 << 20 // beyond this, no more of flows that have packets here
	// queueSpare is kept of queueLength for flows that have nothing here yet.
	queueSpare = 32
)

// queue holds packets on their way to wireguard-go, in order within each flow.
// The flows take turns, and one that has little to say does not wait for those
// that have much (RFC 8290 without its dropping): an answer to a question is not
// behind a megabyte of somebody's download.
type queue struct {
	mu      sync.Mutex // guards what follows
	space   sync.Cond  // there is room, or it is closed
	data    sync.Cond  // there are packets, or it is closed
	flows   turns
	length  int
	bytes   int
	waiting int // for space
	closed  bool
}

func newQueue() *queue {
	q := &queue{flows: newTurns()}
	q.space.L, q.data.L = &q.mu, &q.mu
	return q
}

// fullLocked says whether there is no room for a packet of this flow.
func (q *queue) fullLocked(flow int) bool {
	if q.flows.has(flow) {
		return q.length >= queueLength-queueSpare || q.bytes >= queueBytes
	}
	return q.length == queueLength
}

// put queues p, waiting for room, and says whether the queue is still open.
func (q *queue) put(p *stack.PacketBuffer) bool {
	flow := q.flows.of(p)
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.fullLocked(flow) && !q.closed {
		q.waiting++
		q.space.Wait()
		q.waiting--
	}
	if q.closed {
		return false
	}
	q.flows.push(flow, p.IncRef())
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
	n := 0
	for n < len(dst) && q.length > 0 {
		p := q.flows.next()
		if most -= segments(p); most < 0 && n > 0 {
			break
		}
		q.popLocked()
		dst[n] = p
		n++
	}
	if q.waiting > 0 {
		q.space.Broadcast()
	}
	return n
}

func (q *queue) popLocked() *stack.PacketBuffer {
	p := q.flows.pop()
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
		q.flows.next()
		q.popLocked().DecRef()
	}
	q.space.Broadcast()
	q.data.Broadcast()
}
