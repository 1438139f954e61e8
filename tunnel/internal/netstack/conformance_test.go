//go:build linux

package netstack_test

import (
	"testing"

	"homeward/tunnel/internal/netstack"
	"homeward/tunnel/internal/plane"
	"homeward/tunnel/internal/planetest"
)

func TestConformance(t *testing.T) {
	planetest.Run(t, func(c plane.Config) (plane.Plane, error) {
		p, err := netstack.Open(c)
		if err != nil {
			return nil, err
		}
		return p, nil
	})
}
