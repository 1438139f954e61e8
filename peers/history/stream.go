package history

import "sync"

// Stream carries events from those who notice them to those who want to know.
// Its zero value is ready; its methods may be called from any goroutine and
// never wait.
type Stream struct {
	mu   sync.Mutex // guards subs, and their missed
	subs map[*Subscription]bool
}

// Subscription gets the events that are published while it is open.
type Subscription struct {
	// C has the events in order. It is never closed.
	C      <-chan Event
	c      chan Event
	stream *Stream
	missed uint64
}

// Subscribe opens a subscription that holds up to room events that were not read yet.
func (s *Stream) Subscribe(room int) *Subscription {
	c := make(chan Event, max(room, 1))
	sub := &Subscription{C: c, c: c, stream: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs == nil {
		s.subs = map[*Subscription]bool{}
	}
	s.subs[sub] = true
	return sub
}

// Close ends the subscription.
func (s *Subscription) Close() {
	s.stream.mu.Lock()
	defer s.stream.mu.Unlock()
	delete(s.stream.subs, s)
}

// Missed is how many events were lost because nobody read them.
func (s *Subscription) Missed() uint64 {
	s.stream.mu.Lock()
	defer s.stream.mu.Unlock()
	return s.missed
}

// Publish gives an event to all subscriptions. One that is full loses its oldest.
func (s *Stream) Publish(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.subs {
		for sent := false; !sent; {
			select {
			case sub.c <- e:
				sent = true
			default:
				select {
				case <-sub.c:
					sub.missed++
				default: // its reader was quicker
				}
			}
		}
	}
}
