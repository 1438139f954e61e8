package tunnel

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"homeward/tunnel/internal/filter"
)

// hostEvery is how long an address that the box has just got may go unnoticed.
// Until then the planes' own rules know better.
const hostEvery = time.Second

// hostWhole is how many looks a change may go unnoticed that leaves all addresses as
// they are, such as another name of an interface.
const hostWhole = 30

// inside matches the names of networks of containers and virtual machines that
// live in the box. What is bridged to the LAN has other names (br0, vmbr0).
var inside = regexp.MustCompile(`^(docker|podman|cni|lxcbr|lxdbr|incusbr|virbr)[0-9]+$|^br-[0-9a-f]{12}$|^docker_gwbridge$`)

// readHost reads the addresses of all the box's interfaces.
func readHost() (filter.Host, error) {
	var h filter.Host
	list, err := net.Interfaces()
	if err != nil {
		return h, fmt.Errorf("reading the box's interfaces: %w", err)
	}
	for _, i := range list {
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			h.Addresses = append(h.Addresses, p)
			if inside.MatchString(i.Name) && !p.Addr().IsLinkLocalUnicast() {
				h.Inside = append(h.Inside, p.Masked())
			}
		}
	}
	return h, nil
}

// hostReader reads all interfaces, each of which is a question to the kernel, only
// when the list of addresses, which is one, has become another.
type hostReader struct {
	list func() ([]net.Addr, error)
	read func() (filter.Host, error)

	known []string // addresses that host was read with
	host  filter.Host
	looks int // since then
}

func newHostReader() *hostReader { return &hostReader{list: net.InterfaceAddrs, read: readHost} }

// look returns what the box's addresses are now.
func (r *hostReader) look() (filter.Host, error) {
	addrs, err := r.list()
	if err != nil {
		return filter.Host{}, fmt.Errorf("reading the box's addresses: %w", err)
	}
	now := make([]string, len(addrs))
	for i, a := range addrs {
		now[i] = a.String()
	}
	if r.looks++; r.known != nil && r.looks < hostWhole && slices.Equal(now, r.known) {
		return r.host, nil
	}
	host, err := r.read()
	if err != nil {
		return host, err
	}
	r.known, r.host, r.looks = now, host, 0
	return host, nil
}

// lookAround tells the filter where the box is at home. What was known stays
// when it cannot be read.
func (t *Tunnel) lookAround(r *hostReader) error {
	h, err := r.look()
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	h.Home, h.Listens = t.home, append([]uint16{t.cfg.ListenPort}, t.further...)
	t.filter.SetHost(h)
	t.cutForbiddenLocked()
	return nil
}

// SetHome says what is at home besides the networks that the box is in, such as
// the router's address on the internet side. It takes effect within a second.
func (t *Tunnel) SetHome(networks []netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.home = slices.Clone(networks)
}

// followHost looks around until ctx ends.
func (t *Tunnel) followHost(ctx context.Context) {
	r := newHostReader()
	tick := time.NewTicker(hostEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := t.lookAround(r); err != nil {
			t.cfg.Logger.Debug("looking at the box's addresses failed", "err", err)
		}
	}
}
