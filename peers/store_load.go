package peers

import (
	"context"
	"fmt"
)

// load reads all peers. Rows that this program cannot have written are left out
// and told.
func (s store) load(ctx context.Context) ([]Peer, []LeftOut, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT p.id, p.name, p.kind, p.note, p.profile, p.access, p.allowed_ips, p.resolvers, p.dns, p.public_key, p.preshared_key,
			p.keepalive_seconds, p.enabled, p.expires_unix, p.idle_days, p.idle_from_unix, p.idled_out, p.seen_unix,
			p.created_unix, p.version, n.public_key, n.preshared_key,
			coalesce(c.said, ''), coalesce(d.said, ''), coalesce(a.address, ''), coalesce(a.family, 0), k.public_key, k.sealed
		FROM peers p LEFT JOIN peer_next_keys n ON n.peer_id = p.id LEFT JOIN peer_addresses a ON a.peer_id = p.id
			LEFT JOIN kept_codes k ON k.peer_id = p.id LEFT JOIN issued_configs c ON c.public_key = p.public_key LEFT JOIN issued_configs d ON d.public_key = n.public_key ORDER BY p.id`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var read []*row
	for rows.Next() {
		var (
			r    row
			addr addressRow
		)
		err := rows.Scan(&r.id, &r.name, &r.kind, &r.note, &r.profile, &r.access, &r.routes, &r.resolvers, &r.dns, &r.publicKey, &r.presharedKey,
			&r.keepalive, &r.enabled, &r.expires, &r.idleDays, &r.idleFrom, &r.idledOut, &r.seen,
			&r.created, &r.version, &r.nextPublic, &r.nextPreshared, &r.said, &r.nextSaid, &addr.address, &addr.family, &r.keptKey, &r.kept)
		if err != nil {
			return nil, nil, fmt.Errorf("device %d in the database: %w", r.id, err)
		}
		if len(read) == 0 || read[len(read)-1].id != r.id {
			read = append(read, &r)
		}
		last := read[len(read)-1]
		last.addresses = append(last.addresses, addr)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	var (
		all     []Peer
		leftOut []LeftOut
	)
	for _, r := range read {
		p, err := r.peer()
		if err != nil {
			leftOut = append(leftOut, LeftOut{r.id, r.name, err})
			continue
		}
		all = append(all, p)
	}
	return all, leftOut, nil
}
