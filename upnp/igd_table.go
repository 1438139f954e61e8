package upnp

import (
	"context"
	"strings"
	"time"
)

func (s *igdSession) deleteEntry(ctx context.Context, remote string, port uint16, protocol string) answer {
	return s.call(ctx, "DeletePortMapping", func(ctx context.Context) error {
		return s.conn.DeletePortMappingCtx(ctx, remote, port, protocol)
	})
}

// rows reads the router's table until its end, or most of it: in one piece per
// protocol where the router can do that, else row by row.
func (s *igdSession) rows(ctx context.Context, most int) (list []row, complete bool, _ answer) {
	if c, ok := s.conn.(lister); ok {
		if list, complete, ok := s.listing(ctx, c, most); ok {
			return list, complete, answer{}
		}
	}
	return s.rowByRow(ctx, most)
}

// rowByRow reads the table with one request for each row. It is complete when the
// router itself said where it ends (713).
func (s *igdSession) rowByRow(ctx context.Context, most int) (list []row, complete bool, _ answer) {
	for i := range uint16(most) {
		var r row
		a := s.call(ctx, "GetGenericPortMappingEntry", func(ctx context.Context) error {
			var lease uint32
			var err error
			r.remote, r.external, r.protocol, r.internal, r.client, r.enabled, r.description, lease, err =
				s.conn.GetGenericPortMappingEntryCtx(ctx, i)
			r.lease = time.Duration(lease) * time.Second
			return err
		})
		if !a.ok() {
			return list, a.outcome == notThere, a
		}
		list = append(list, r)
	}
	return list, false, answer{}
}

// sweep reads the router's list for entries of ours on other ports.
func (s *igdSession) sweep(ctx context.Context, w want) (removed int, _ answer) {
	ctx, cancel := context.WithTimeout(ctx, sweepBudget)
	defer cancel()
	w.held = false // that is about our port; here only the description counts
	list, _, a := s.rows(ctx, maxEntries)
	if a.outcome == moved || a.outcome == silent {
		return 0, a
	}
	for _, r := range list {
		own := strings.EqualFold(r.protocol, udp) && r.external != w.port && r.ours(w)
		if (own || w.leftover != nil && w.leftover(r)) && s.deleteEntry(ctx, r.remote, r.external, r.protocol).ok() {
			removed++
		}
	}
	return removed, answer{}
}
