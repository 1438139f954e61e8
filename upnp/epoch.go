package upnp

import "time"

// epoch follows a server's count of the seconds since its state began. When the
// count does not fit to our clock, the server has forgotten what it granted.
type epoch struct {
	server uint32
	at     time.Time // zero: nothing heard yet
}

// pcp notes a count and reports whether the server lost its state, by the rule of
// RFC 6887, 8.5: the clocks may differ by a sixteenth and two seconds.
func (e *epoch) pcp(now time.Time, server uint32) (lost bool) {
	if !e.at.IsZero() {
		client, delta := int64(now.Sub(e.at)/time.Second), int64(server)-int64(e.server)
		lost = delta < -1 || client+2 < delta-delta/16 || delta+2 < client-client/16
	}
	e.server, e.at = server, now
	return lost
}

// natpmp notes a count and reports whether the server lost its state, by the rule
// of RFC 6886, 3.6: it counts at least seven eighths as fast as we do, less two
// seconds.
func (e *epoch) natpmp(now time.Time, server uint32) (lost bool) {
	if !e.at.IsZero() {
		client := int64(now.Sub(e.at) / time.Second)
		lost = int64(server) < int64(e.server)+client*7/8-2
	}
	e.server, e.at = server, now
	return lost
}
