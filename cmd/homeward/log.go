package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web"
	"homeward/web/api"
	"homeward/web/languages"
)

// maxLog bounds what one command prints.
const maxLog = 1000

func newLog(o *options) *cobra.Command {
	var peer, since, by string
	var kinds []string
	c := &cobra.Command{
		Use: "log", Short: "Print what happened: why could I not connect on Tuesday", Args: cobra.NoArgs,
		Long: `Print what happened, the oldest first: the router's port and address, devices that
came or were refused, what people changed, starts and alerts. With --peer, when that
device was here, and what happened to it and to the house as a whole. Events are kept for 90 days, at most 5,000.`,
		Example: `  homeward log
  homeward log --by anna --since 2w
  homeward log --peer "Anna's phone" --since 2d
  homeward log --kind device-refused --since 2026-03-03 --json`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			from, err := parseSince(since, time.Now())
			if err != nil {
				return usage(fmt.Errorf("--since %.40q: %w", since, err))
			}
			q := url.Values{"since": {from.Format(time.RFC3339)}, "kind": kinds, "limit": {"500"}, "actor": {by}}
			var sessions []api.Session
			if peer != "" {
				p, err := findPeer(c.Context(), client, peer)
				if err != nil {
					return err
				}
				q.Set("peer", strconv.FormatInt(p.ID, 10))
				q.Set("house", "true")
				if len(kinds) == 0 && by == "" {
					if sessions, err = client.Sessions(c.Context(), p.ID); err != nil {
						return err
					}
				}
			}
			events, err := allEvents(c, client, q)
			if err != nil {
				return err
			}
			sessions = slices.DeleteFunc(sessions, func(s api.Session) bool { return s.Last.Before(from) })
			if o.json {
				return printJSON(o.tty.out, struct {
					Events   []api.Event   `json:"events"`
					Sessions []api.Session `json:"sessions,omitempty"`
				}{events, sessions})
			}
			return printLog(o.tty.out, events, sessions)
		}),
	}
	f := c.Flags()
	f.StringVar(&peer, "peer", "", "leave out what is about other devices than this one (its name or number)")
	f.StringVar(&since, "since", "7d", "how far back: 12h, 2d, 1w, a day such as 2026-03-03, or a time as in RFC 3339")
	f.StringVar(&by, "by", "", "only what this user did; box: what was done on the box itself")
	f.StringSliceVar(&kinds, "kind", nil, "only these kinds of events")
	return c
}

// allEvents fetches page after page.
func allEvents(c *cobra.Command, client *api.Client, q url.Values) ([]api.Event, error) {
	all := []api.Event{}
	for {
		page, err := client.Events(c.Context(), q)
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Events...); page.Before == 0 || len(all) >= maxLog {
			return all, nil
		}
		q.Set("before", strconv.FormatInt(page.Before, 10))
	}
}

// parseSince reads from when on. A day means its beginning, here where the
// command is typed.
func parseSince(s string, now time.Time) (time.Time, error) {
	if day, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return day, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	for unit, days := range map[string]int{"d": 1, "w": 7} {
		if n, err := strconv.ParseUint(strings.TrimSuffix(s, unit), 10, 16); err == nil && strings.HasSuffix(s, unit) {
			return now.AddDate(0, 0, -int(n)*days), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, errors.New("use 12h, 2d, 1w, a day such as 2026-03-03, or a time as in RFC 3339")
}

// logLine is one line of the log.
type logLine struct {
	at   time.Time
	name string
	text string
}

func printLog(w io.Writer, events []api.Event, sessions []api.Session) error {
	catalogue := languages.Load()
	english := catalogue.Accepted("en")
	var lines []logLine
	for _, e := range slices.Backward(events) { // the latest comes first
		lines = append(lines, logLine{e.At, e.Name, web.EventText(english, eventFrom(e))})
	}
	for _, s := range sessions {
		lines = append(lines, logLine{s.First, "", web.SessionText(english, history.Session(s))})
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(w, "Nothing was written down in that time.")
		return err
	}
	slices.SortStableFunc(lines, func(a, b logLine) int { return cmp.Compare(a.at.Unix(), b.at.Unix()) })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t%s\t%s\n", l.at.Local().Format("2006-01-02 15:04:05"), plain(l.name), plain(l.text))
	}
	return t.Flush()
}

func eventFrom(e api.Event) history.Event {
	return history.Event{ID: e.ID, At: e.At, Last: e.Last, Count: e.Count, Kind: history.Kind(e.Kind), Peer: peers.ID(e.Peer),
		Name: e.Name, Actor: e.Actor, Cause: e.Cause, Place: e.Place, Detail: e.Detail}
}
