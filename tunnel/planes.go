package tunnel

import (
	"cmp"
	"fmt"

	"homeward/tunnel/internal/kernel"
	"homeward/tunnel/internal/netstack"
	"homeward/tunnel/internal/plane"
)

// opened is the data plane in use.
type opened struct {
	plane  plane.Plane
	kind   PlaneKind
	reason string
	iface  string // empty: no network interface
}

// openPlane opens the plane that cfg asks for, or with PlaneAuto the best one
// that works.
func openPlane(cfg Config) (opened, error) {
	pc := plane.Config{
		Name: cfg.Interface, Addresses: cfg.Addresses, MTU: cfg.MTU,
		ListenPort: cfg.ListenPort, StateDir: cfg.StateDir, Guarded: true, Memory: cfg.Memory, Logger: cfg.Logger,
	}
	reason := cmp.Or(cfg.Why, "It was asked for.")
	if cfg.Plane != PlaneNetstack {
		p, err := openKernel(pc)
		if err == nil {
			if cfg.Plane == PlaneAuto {
				reason = "A network interface works here and is faster."
			}
			return opened{p, PlaneTUN, reason, cfg.Interface}, nil
		}
		if cfg.Plane == PlaneTUN {
			return opened{}, fmt.Errorf("%w: tun: %w: or run with --plane netstack", ErrPlane, err)
		}
		reason = fmt.Sprintf("Rootless, since %v.", err)
	}
	p, err := netstack.Open(pc)
	if err != nil {
		return opened{}, fmt.Errorf("%w: netstack: %w", ErrPlane, err)
	}
	return opened{p, PlaneNetstack, reason, ""}, nil
}

// Usable says why PlaneTUN would not work here, or nil.
func Usable() error { return kernel.Usable() }

// openKernel opens the kernel's plane if it would work.
func openKernel(pc plane.Config) (plane.Plane, error) {
	if err := kernel.Usable(); err != nil {
		return nil, err
	}
	return kernel.Open(pc)
}

// Cleanup removes what a crashed run left in the host: the network interface,
// the packet filter's table and changed settings of the kernel. Nothing there
// is no error.
func Cleanup(iface, stateDir string) error {
	if iface == "" {
		iface = DefaultInterface
	}
	return kernel.Cleanup(iface, stateDir)
}
