//go:build linux

package labnet

import (
	"net"
	"net/http"
	"sync"
)

// Serve answers on a TCP port of the host with what handle writes, until the
// test ends.
func (h *Host) Serve(addr string, handle func(net.Conn)) {
	h.t.Helper()
	l, err := h.Listen("tcp", addr)
	if err != nil {
		h.t.Fatal(err)
	}
	s := &server{open: map[net.Conn]bool{}}
	s.all.Go(func() { s.accept(l, handle) })
	h.t.Cleanup(func() {
		l.Close()
		s.closeAll()
		s.all.Wait()
	})
}

// ServeHTTP answers HTTP on a TCP port of the host, until the test ends.
func (h *Host) ServeHTTP(addr string, handler http.Handler) {
	h.t.Helper()
	l, err := h.Listen("tcp", addr)
	if err != nil {
		h.t.Fatal(err)
	}
	s := &http.Server{Handler: handler}
	var done sync.WaitGroup
	done.Go(func() { s.Serve(l) })
	h.t.Cleanup(func() {
		s.Close()
		done.Wait()
	})
}

// server is what Serve has to end.
type server struct {
	all sync.WaitGroup

	mu     sync.Mutex // guards what follows
	open   map[net.Conn]bool
	closed bool
}

func (s *server) accept(l net.Listener, handle func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		if !s.add(c) {
			c.Close()
			return
		}
		s.all.Go(func() {
			defer s.remove(c)
			handle(c)
		})
	}
}

func (s *server) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = true
	return !s.closed
}

func (s *server) remove(c net.Conn) {
	c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

func (s *server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		c.Close()
	}
}
