package netstack

import (
	"net/netip"
	"os"
	"testing"

	"homeward/tunnel/internal/plane"
	"homeward/tunnel/internal/planetest"
)

// Where ping sockets are not allowed, root has raw ones.
func TestPingWithoutPingSockets(t *testing.T) {
	planetest.RunEcho(t, func(c plane.Config) (plane.Plane, error) {
		p, err := Open(c)
		if err != nil {
			return nil, err
		}
		if problem := p.Problem(); problem != "" {
			t.Errorf("Problem() = %q although raw sockets work", problem)
		}
		return p, nil
	})
}

// Without raw ones either, a host's refusal of a datagram is its answer.
func TestPingWithoutAnyRight(t *testing.T) {
	planetest.RunEcho(t, func(c plane.Config) (plane.Plane, error) {
		p, err := open(c, options{limits: DefaultLimits(), dialable: newPolicy(c.Addresses).dialable, dial: dialHost, rawEcho: func(netip.Addr) (echoWay, error) {
			return nil, os.ErrPermission
		}})
		if err != nil {
			return nil, err
		}
		if problem := p.Problem(); problem != pingProblem {
			t.Errorf("Problem() = %q", problem)
		}
		return p, nil
	})
}
