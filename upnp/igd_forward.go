package upnp

import (
	"context"
	"time"
)

// specific reads the entry of a port.
func (s *igdSession) specific(ctx context.Context, protocol string, port uint16) (entry, answer) {
	e := entry{external: port}
	a := s.call(ctx, "GetSpecificPortMappingEntry", func(ctx context.Context) error {
		var lease uint32
		var err error
		e.internal, e.client, e.enabled, e.description, lease, err =
			s.conn.GetSpecificPortMappingEntryCtx(ctx, anyHost, port, protocol)
		e.lease = time.Duration(lease) * time.Second
		return err
	})
	return e, a
}

// addForward asks for an entry to another machine, by the ladder of leases (see add),
// and returns the lease that was accepted.
func (s *igdSession) addForward(ctx context.Context, f slot, description string, lease time.Duration) (time.Duration, answer) {
	ladder := s.ladder(lease)
	var a answer
	for _, lease := range ladder {
		a = s.call(ctx, "AddPortMapping", func(ctx context.Context) error {
			return s.conn.AddPortMappingCtx(ctx, anyHost, f.external, f.protocol, f.to.Port(), f.to.Addr().String(), true,
				description, uint32(lease/time.Second))
		})
		if a.ok() {
			return lease, a
		}
		if a.outcome != badLease && a.outcome != badArgument {
			break
		}
	}
	return 0, a
}

// ladder is the leases to try, one after the other: the one that worked last, else
// the wish, permanent, and a week.
func (s *igdSession) ladder(lease time.Duration) []time.Duration {
	if s.known {
		return []time.Duration{s.worked}
	}
	return []time.Duration{lease, 0, longLease}
}
