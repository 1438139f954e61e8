package history

import (
	"fmt"
	"math"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
)

// step is the width of an interval for which traffic is kept.
type step int64

// The steps, in seconds. A day is the one of the house's clock, which may have
// 23 or 25 hours.
const (
	fiveMinutes step = 300
	hourly      step = 3600
	daily       step = 86400
)

// kept says for how long each step is kept.
var kept = map[step]time.Duration{fiveMinutes: 48 * time.Hour, hourly: 60 * 24 * time.Hour, daily: 730 * 24 * time.Hour}

// start is when the interval of t begins.
func (s step) start(t time.Time) time.Time {
	if s == daily {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, t.Location())
	}
	return time.Unix(t.Unix()-mod(t.Unix(), int64(s)), 0).In(t.Location())
}

func mod(a, b int64) int64 { return (a%b + b) % b }

// back is when the interval n before that of t begins.
func (s step) back(t time.Time, n int) time.Time {
	if s == daily {
		y, m, d := t.Date()
		return time.Date(y, m, d-n, 0, 0, 0, 0, t.Location())
	}
	return s.start(t).Add(-time.Duration(n) * time.Duration(s) * time.Second)
}

// Amount is traffic in bytes: Received by the box from the peer, Sent to it.
type Amount struct{ Received, Sent uint64 }

func (a Amount) plus(b Amount) Amount {
	return Amount{add(a.Received, b.Received), add(a.Sent, b.Sent)}
}

// Total is the sum of both ways.
func (a Amount) Total() uint64 { return add(a.Received, a.Sent) }

// add stays where the database's numbers end.
func add(a, b uint64) uint64 { return min(min(a, math.MaxInt64)+min(b, math.MaxInt64), math.MaxInt64) }

// counter is what the device had counted of a peer when it was looked at last.
type counter struct {
	key wgtypes.Key
	Amount
}

// since is what was added. A counter that is smaller than before, or that counts
// for another key, began again at zero.
func (c counter) since(last counter) Amount {
	if c.key != last.key || c.Received < last.Received || c.Sent < last.Sent {
		return c.Amount
	}
	return Amount{c.Received - last.Received, c.Sent - last.Sent}
}

// interval is the traffic of five minutes.
type interval struct {
	start time.Time
	of    map[peers.ID]Amount
}

// Span is a length of time that can be shown.
type Span string

// The spans.
const (
	SpanHour  Span = "hour"  // 12 bars of five minutes
	SpanDay   Span = "day"   // 24 bars of an hour
	SpanMonth Span = "month" // 30 bars of a day
)

// Spans lists all of them, the shortest first.
func Spans() []Span { return []Span{SpanHour, SpanDay, SpanMonth} }

// ParseSpan reads the name of a span; an empty one is SpanDay.
func ParseSpan(s string) (Span, error) {
	switch p := Span(s); p {
	case "":
		return SpanDay, nil
	case SpanHour, SpanDay, SpanMonth:
		return p, nil
	}
	return "", fmt.Errorf("%.40q is not a span: use %q, %q or %q", s, SpanHour, SpanDay, SpanMonth)
}

func (s Span) shape() (step, int) {
	switch s {
	case SpanHour:
		return fiveMinutes, 12
	case SpanMonth:
		return daily, 30
	}
	return hourly, 24
}

// Bar is the traffic of one interval.
type Bar struct {
	From time.Time
	Amount
}

// Sum is the traffic of all bars.
func Sum(bars []Bar) Amount {
	var sum Amount
	for _, b := range bars {
		sum = sum.plus(b.Amount)
	}
	return sum
}

// bars are the empty intervals of a span up to now, the oldest first.
func (s Span) bars(now time.Time) []Bar {
	step, n := s.shape()
	bars := make([]Bar, n)
	for i := range bars {
		bars[i].From = step.back(now, n-1-i)
	}
	return bars
}

// RecentHours is how much of each peer's traffic is in memory, for lists.
const RecentHours = 24

// recent is the latest hours' traffic of a peer.
type recent struct {
	last  int64 // the hour of the last one, since 1970
	bytes [RecentHours]uint64
}

// add counts bytes of an hour.
func (r *recent) add(hour int64, n uint64) {
	r.roll(hour)
	if i := RecentHours - 1 - (r.last - hour); i >= 0 {
		r.bytes[i] = add(r.bytes[i], n)
	}
}

// roll moves the hours on, so that the last one is at least hour.
func (r *recent) roll(hour int64) {
	by := hour - r.last
	switch {
	case by <= 0:
	case by >= RecentHours:
		r.bytes, r.last = [RecentHours]uint64{}, hour
	default:
		copy(r.bytes[:], r.bytes[by:])
		clear(r.bytes[RecentHours-by:])
		r.last = hour
	}
}

func hourOf(t time.Time) int64 { return t.Unix() / int64(hourly) }
