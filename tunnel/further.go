package tunnel

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	"homeward/tunnel/internal/bind"
	"homeward/tunnel/internal/plane"
)

// SetFurtherPorts makes ports the only UDP ports that are listened on besides
// Config.ListenPort, with the same keys: for where the router gives that one to
// somebody else. A peer is answered from the port that it calls, and keeps its session
// when it calls another one. It can be called before Run, and again with the same.
//
// A port that another program has is ErrPortInUse; the others are open all the same,
// and it is tried again with the next change. Other systems than Linux have one port
// only.
func (t *Tunnel) SetFurtherPorts(ports []uint16) error {
	for i, p := range ports {
		if p == 0 || p == t.cfg.ListenPort || slices.Contains(ports[:i], p) {
			return fmt.Errorf("setting further UDP ports %v: %d is none, or is listened on already", ports, p)
		}
	}
	t.mu.Lock()
	t.further = slices.Clone(ports)
	t.mu.Unlock()
	return t.openFurther()
}

// listenFurther has a socket that is not open yet begin with the ports that are wanted.
func (t *Tunnel) listenFurther(socket *bind.Bind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = socket.ListenFurther(t.further) // openFurther says what is wrong, once others can be told
}

// openFurther brings the running device to the ports that are wanted.
func (t *Tunnel) openFurther() error {
	t.opening.Lock()
	defer t.opening.Unlock()
	t.mu.Lock()
	d, socket, p, ports := t.device, t.socket, t.plane, t.further
	t.mu.Unlock()
	if d == nil {
		return nil
	}
	if k, ok := p.(plane.PortKeeper); ok { // before anybody calls there
		if err := k.KeepPorts(append([]uint16{t.cfg.ListenPort}, ports...)); err != nil {
			return fmt.Errorf("setting further UDP ports: %w", err)
		}
	}
	changed, err := socket.ListenFurther(ports)
	if err == nil && (changed || socket.NotOpen() != nil) {
		err = d.BindUpdate() // opens all of them anew, which takes a moment; sessions stay
	}
	if err == nil {
		err = socket.NotOpen()
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("setting further UDP ports: %w: %w", ErrPortInUse, err)
	}
	if err != nil {
		return fmt.Errorf("setting further UDP ports: %w", err)
	}
	return nil
}
