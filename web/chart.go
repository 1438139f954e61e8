package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"homeward/peers/history"
	"homeward/web/languages"
)

// The sizes of a chart's picture, in its own units.
const (
	chartWidth  = 600
	chartHeight = 140
	sparkWidth  = 96
	sparkHeight = 24
)

// chart is a device's traffic over a span: a picture, and the same as a table.
type chart struct {
	Label string // the sums in words
	Most  string // what the highest bar stands for, empty without traffic
	Bars  []chartBar
	Ticks []string // below the first, the middle and the last bar
	W, H  int
}

// chartBar is one interval: what the device got stands on the ground, what it
// sent on top of that.
type chartBar struct {
	When         string
	Got, Sent    string
	X, W         float64
	GotY, GotH   float64
	SentY, SentH float64
	Empty        bool
}

func chartOf(l *languages.Language, span history.Span, bars []history.Bar) chart {
	sum := history.Sum(bars)
	c := chart{W: chartWidth, H: chartHeight}
	c.Label = l.Code("chart.sum", string(span), "Got", l.Size(sum.Sent), "Sent", l.Size(sum.Received))
	most := uint64(0)
	for _, b := range bars {
		most = max(most, b.Total())
	}
	if most > 0 {
		c.Most = l.Size(most)
	}
	width := float64(chartWidth) / float64(len(bars))
	for i, b := range bars {
		bar := chartBar{When: barTime(l, span, b.From), Got: l.Size(b.Sent), Sent: l.Size(b.Received), X: float64(i)*width + width*0.12, W: width * 0.76, Empty: b.Total() == 0}
		if most > 0 {
			bar.GotH = height(b.Sent, most, chartHeight)
			bar.SentH = height(b.Received, most, chartHeight)
		}
		bar.GotY = chartHeight - bar.GotH
		bar.SentY = bar.GotY - bar.SentH
		c.Bars = append(c.Bars, bar)
	}
	for _, at := range []int{0, len(bars) / 2, len(bars) - 1} {
		c.Ticks = append(c.Ticks, barTime(l, span, bars[at].From))
	}
	return c
}

// height is how high a bar of n is, where most is full.
func height(n, most uint64, full float64) float64 {
	return full * float64(n) / float64(most)
}

// barTime says when an interval begins.
func barTime(l *languages.Language, span history.Span, t time.Time) string {
	if span == history.SpanMonth {
		return l.T("chart.day", "Day", t.Day(), "Month", l.T("format.month_"+strconv.Itoa(int(t.Month()))))
	}
	return l.Clock(t)
}

// spark is a device's latest 24 hours as a small picture, or nil.
type spark struct {
	Path, Label string
	W, H        int
}

func sparkOf(l *languages.Language, hours [history.RecentHours]uint64) *spark {
	var sum, most uint64
	for _, n := range hours {
		sum, most = sum+n, max(most, n)
	}
	if most == 0 {
		return nil
	}
	var path strings.Builder
	step := float64(sparkWidth) / float64(len(hours))
	for i, n := range hours {
		if n == 0 {
			continue
		}
		// Even a little is to be seen.
		fmt.Fprintf(&path, "M%g %dv-%.1f", float64(i)*step+step/2, sparkHeight, max(1.5, height(n, most, sparkHeight)))
	}
	return &spark{path.String(), l.T("chart.day_total", "Size", l.Size(sum)), sparkWidth, sparkHeight}
}
