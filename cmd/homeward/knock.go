package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

func newKnock(o *options) *cobra.Command {
	var bound time.Duration
	c := &cobra.Command{
		Use: "knock", Short: "Try the door from outside with a phone's browser, without any app", Args: cobra.NoArgs,
		Long: `Try the door from outside with a phone's browser, without any app. Open the page that
is named here on the phone, in the Wi-Fi at home, and press its button; then switch the
Wi-Fi off. It ends when a knock from outside was heard, or after --for.`,
		RunE: o.talk(func(c *cobra.Command, client *api.Client, _ []string) error {
			if bound < time.Second {
				return usage(fmt.Errorf("--for %v: one second or more is needed", bound))
			}
			before, err := client.Knock(c.Context())
			if err != nil {
				return err
			}
			if !o.json {
				fmt.Fprintf(o.tty.out, "On the phone, in the Wi-Fi at home, open %s and press the button. Then switch the Wi-Fi off. Waiting for up to %v.\n", before.Page, bound)
			}
			heard, err := awaitKnock(c.Context(), client, before, bound)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(o.tty.out, heard)
			}
			_, err = fmt.Fprintf(o.tty.out, "A browser knocked at UDP %d from %s (%s): the way in works.\n", heard.Port, plain(heard.From), heard.Family)
			return err
		}),
	}
	c.Flags().DurationVar(&bound, "for", 3*time.Minute, "how long to wait at most")
	return c
}

// awaitKnock waits for a knock that was not there before.
func awaitKnock(ctx context.Context, client *api.Client, before api.KnockState, bound time.Duration) (api.HeardKnock, error) {
	var last time.Time
	if len(before.Heard) > 0 {
		last = before.Heard[0].At
	}
	tick := time.NewTicker(testEvery)
	defer tick.Stop()
	for end := time.Now().Add(bound); ; {
		s, err := client.Knock(ctx)
		if err != nil {
			return api.HeardKnock{}, err
		}
		if len(s.Heard) > 0 && s.Heard[0].At.After(last) {
			return s.Heard[0], nil
		}
		if !time.Now().Before(end) {
			return api.HeardKnock{}, errors.New("no browser was heard to knock from outside: look at 'homeward status'; some mobile networks hold such calls back")
		}
		select {
		case <-ctx.Done():
			return api.HeardKnock{}, ctx.Err()
		case <-tick.C:
		}
	}
}
