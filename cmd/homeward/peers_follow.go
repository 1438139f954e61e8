package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

const (
	testEvery = time.Second
	// testSettles is how long a verdict must hold until it is believed.
	testSettles = 3 * time.Second
)

func newPeersTest(o *options) *cobra.Command {
	var bound time.Duration
	c := onPeer(o, "test", "Follow a device on its way in, and say where it stops and why", `Follow a device on its way in. Switch its Wi-Fi off and its tunnel off and on: each
stage that it passes is told, and where it stops, why, and what to do. It ends when all
is good, when the cause is certain, or after --for.`, func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		if bound < time.Second {
			return usage(fmt.Errorf("--for %v: one second or more is needed", bound))
		}
		if !o.json {
			fmt.Fprintf(o.tty.out, "Testing %s for up to %v. On the device, turn Wi-Fi off and switch the tunnel off and on.\n", plain(p.Name), bound)
		}
		t, err := followTest(ctx, o, client, p.ID, bound)
		if err != nil {
			return err
		}
		if o.json {
			err = printJSON(o.tty.out, t)
		} else {
			err = printTest(o.tty.out, t)
		}
		if err == nil && t.State != api.TestPassed {
			err = errors.New("the device was not seen to come in and do well")
		}
		return err
	})
	c.Flags().DurationVar(&bound, "for", time.Minute, "how long to wait at most")
	return c
}

// followTest begins a test and follows it until it says something certain.
func followTest(ctx context.Context, o *options, client *api.Client, id int64, bound time.Duration) (api.PeerTest, error) {
	t, err := client.BeginTest(ctx, id)
	told, verdict, since := map[string]bool{}, "", time.Now()
	tick := time.NewTicker(testEvery)
	defer tick.Stop()
	for end := time.Now().Add(bound); err == nil; t, err = client.Test(ctx, id) {
		if !o.json {
			tellStages(o.tty.out, t, told)
		}
		if now := string(t.State) + t.Cause; now != verdict {
			verdict, since = now, time.Now()
		}
		// Something may come yet as long as nothing has.
		certain := t.State != api.TestWaiting && t.Stopped != "reach" && time.Since(since) >= testSettles
		if certain || allPassed(t) || !time.Now().Before(end) {
			return t, nil
		}
		select {
		case <-ctx.Done():
			return t, ctx.Err()
		case <-tick.C:
		}
	}
	return t, err
}

// allPassed says that nothing is left to be seen.
func allPassed(t api.PeerTest) bool {
	return !slices.ContainsFunc(t.Steps, func(s api.TestStep) bool { return s.State != api.TestPassed })
}

// tellStages prints the stages that were not told yet.
func tellStages(w io.Writer, t api.PeerTest, told map[string]bool) {
	for _, s := range t.Steps {
		if s.State == api.TestPassed && !told[s.Stage] {
			told[s.Stage] = true
			fmt.Fprintf(w, "  ✓ %s\n", s.Text)
		}
	}
}

func printTest(w io.Writer, t api.PeerTest) error {
	for _, s := range t.Steps {
		if s.State == api.TestFailed {
			fmt.Fprintf(w, "  ✕ %s\n", s.Text)
		}
	}
	_, err := fmt.Fprintf(w, "%s\n", plain(t.Text))
	if t.Cure != "" {
		_, err = fmt.Fprintf(w, "→ %s\n", plain(t.Cure))
	}
	return err
}
