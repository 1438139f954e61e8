package web

import (
	"time"

	"homeward/peers"
	"homeward/web/languages"
)

// rates knows what an open page was told last, and how fast it went since.
type rates struct {
	at   time.Time
	last map[peers.ID]peers.Observed
}

// of says how fast the device gets and sends now, or nothing while it is quiet.
func (r *rates) of(l *languages.Language, p peers.Peer, now time.Time) string {
	was, known := r.last[p.ID]
	took, is := now.Sub(r.at).Seconds(), p.Observed
	if !known || took <= 0 || is.SentBytes < was.SentBytes || is.ReceivedBytes < was.ReceivedBytes {
		return ""
	}
	got, sent := float64(is.SentBytes-was.SentBytes)/took, float64(is.ReceivedBytes-was.ReceivedBytes)/took
	if got+sent < quietBelow {
		return ""
	}
	return l.T("chart.rate", "Got", l.Size(uint64(got)), "Sent", l.Size(uint64(sent)))
}

// quietBelow is how many bytes a second are only signs of life.
const quietBelow = 200

// next remembers what is told now.
func (r *rates) next(list []peers.Peer, now time.Time) {
	r.at, r.last = now, make(map[peers.ID]peers.Observed, len(list))
	for _, p := range list {
		r.last[p.ID] = p.Observed
	}
}
