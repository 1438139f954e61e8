package bind

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// aliveEvery is how long a socket may be deaf unnoticed.
const aliveEvery = 30 * time.Second

// Watch proves that receiving works on each port, until ctx ends, and has the bind
// opened anew when it does not. What others sent since the last look proves it as well.
func (b *Bind) Watch(ctx context.Context, reopen func() error) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for before := b.heardOthers(); ; before = b.heardOthers() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		deaf := slices.DeleteFunc(b.listening(), func(port uint16) bool {
			return b.probe.at(port).others != before[port] || b.alive(ctx, port) || !slices.Contains(b.listening(), port)
		})
		problem := ""
		if len(deaf) > 0 {
			problem = b.openAnew(ctx, deaf, reopen)
		}
		b.deaf.Store(&problem)
	}
}

// openAnew has the bind opened anew because of the deaf ports, and says what is wrong
// with them afterwards.
func (b *Bind) openAnew(ctx context.Context, deaf []uint16, reopen func() error) string {
	b.cfg.Logger.Warn("the UDP socket receives nothing any more, not even of ourselves: opening it anew", "ports", deaf)
	err := reopen()
	var problems []string
	for _, port := range deaf {
		switch {
		case err != nil:
			problems = append(problems, fmt.Sprintf("The UDP port %d was deaf and cannot be opened anew: %v.", port, err))
		case slices.Contains(b.listening(), port) && !b.alive(ctx, port): // what is not open has words of its own
			problems = append(problems, fmt.Sprintf("Nothing arrives on the UDP port %d, not even of this machine itself: look for firewall rules for the interface lo, or start homeward again.", port))
		}
	}
	return strings.Join(problems, " ")
}

// Problem says what is wrong with the socket, or "".
func (b *Bind) Problem() string {
	if p := b.deaf.Load(); p != nil {
		return *p
	}
	return ""
}

// listening are the ports that are open: the first one, and the further ones.
func (b *Bind) listening() []uint16 {
	ports := []uint16{b.cfg.Port}
	if s, ok := b.Bind.(several); ok {
		ports = append(ports, s.furtherOpen()...)
	}
	return ports
}

// heardOthers is how much others have sent to each open port so far.
func (b *Bind) heardOthers() map[uint16]uint64 {
	heard := map[uint16]uint64{}
	for _, port := range b.listening() {
		heard[port] = b.probe.at(port).others
	}
	return heard
}

// alive says whether receiving works on a port: something arrives there, of ourselves
// if nobody else sends.
func (b *Bind) alive(ctx context.Context, port uint16) bool {
	before := b.probe.at(port).received
	if !b.probe.send(port) {
		return true // nothing can be said
	}
	tick := time.NewTicker(patience / 100)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if b.probe.at(port).received != before {
			return true
		}
		select {
		case <-ctx.Done():
			return true // nobody wants to know any more
		case <-tick.C:
		}
	}
	return false
}
