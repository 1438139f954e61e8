package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"homeward/web/api"
)

// showIssued prints a code that was just made, or its text where there is none.
func showIssued(ctx context.Context, o *options, client *api.Client, i api.Issued, ownKey bool) error {
	form := "qr.txt"
	if ownKey {
		form = "config"
	}
	code, err := client.Config(ctx, i.Peer.ID, form, nil)
	if err != nil {
		return err
	}
	for _, w := range i.Warnings {
		fmt.Fprintf(o.tty.err, "warning: %s\n", plain(w))
	}
	ends := "It is forgotten at " + i.Until.Local().Format("15:04") + "."
	if i.Kept {
		ends = "It is kept, and can be shown again until there is another."
	}
	_, err = fmt.Fprintf(o.tty.out, "%s\n%s may come in now. Scan the code with the WireGuard app, or save it:\n  homeward peers config %d > %s\n%s\nTo see whether it gets home: homeward peers test %d\n",
		code, plain(i.Peer.Name), i.Peer.ID, i.FileName, ends, i.Peer.ID)
	return err
}

func newPeersRotate(o *options) *cobra.Command {
	var n api.NewCode
	c := onPeer(o, "rotate", "Make a new code; the old one works until the new one is used", `Make a new code for a device: same name, address and rights. The old code works until
the new one is used for the first time, and never after it.

A device that keeps its own private key gets its config anew with the key that it has,
or with --public-key for another one.`, func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		issued, err := client.Rotate(ctx, p.ID, n)
		if err != nil {
			return err
		}
		if o.json {
			return printJSON(o.tty.out, issued)
		}
		return showIssued(ctx, o, client, issued, issued.Peer.OwnKey || n.PublicKey != "")
	})
	c.Flags().StringVar(&n.PublicKey, "public-key", "", "another public key of a device that keeps its own private key")
	return c
}

func newPeersQR(o *options) *cobra.Command {
	var file, profile string
	c := onPeer(o, "qr", "Show the code of a device again, while it is remembered", `Show the code of a device again, to be scanned with the WireGuard app. It is remembered
for ten minutes, or as long as it is the newest one with "homeward settings set
--keep-codes". After that "homeward peers rotate" makes another.`, func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		if file == "" {
			return printForm(ctx, o, client, p, "qr.txt", ofProfile(profile))
		}
		form := "qr.png"
		if strings.HasSuffix(strings.ToLower(file), ".svg") {
			form = "qr.svg"
		}
		b, err := client.Config(ctx, p.ID, form, ofProfile(profile))
		if err != nil {
			return err
		}
		return os.WriteFile(file, b, 0o600)
	})
	c.Example = `  homeward peers qr "Anna's phone"
  homeward peers qr "Anna's phone" -o code.png`
	c.Flags().StringVarP(&file, "output", "o", "", "write a picture instead: FILE.png or FILE.svg")
	profileFlag(c, &profile)
	return c
}

func newPeersConfig(o *options) *cobra.Command {
	var profile, apple string
	var onDemand bool
	var homeWiFi []string
	c := onPeer(o, "config", "Print the config of a device, while it is remembered", `Print the config of a device, as WireGuard programs read it, or as a profile for devices
of Apple. It is remembered for ten minutes, or as long as it is the newest one with
"homeward settings set --keep-codes".`, func(ctx context.Context, o *options, client *api.Client, p api.Peer) error {
		if apple == "" {
			return printForm(ctx, o, client, p, "config", ofProfile(profile))
		}
		query := ofProfile(profile)
		query.Set("platform", apple)
		query.Set("on_demand", strconv.FormatBool(onDemand || len(homeWiFi) > 0))
		query["home_wifi"] = homeWiFi
		return printForm(ctx, o, client, p, "mobileconfig", query)
	})
	c.Example = `  homeward peers config laptop > home.conf
  homeward peers config --apple ios --home-wifi "Our Wi-Fi" "Anna's phone" > home.mobileconfig`
	profileFlag(c, &profile)
	c.Flags().StringVar(&apple, "apple", "", "print a profile to install instead: ios, or macos")
	c.Flags().BoolVar(&onDemand, "on-demand", false, "with --apple: the tunnel switches itself on")
	c.Flags().StringArrayVar(&homeWiFi, "home-wifi", nil, "with --apple: like --on-demand, but off on the Wi-Fi of this name; may be repeated")
	return c
}

func ofProfile(profile string) url.Values {
	q := url.Values{}
	if profile != "" {
		q.Set("profile", profile)
	}
	return q
}

// profileFlag offers the second code of one identity: the same key and address, so
// that a device can have a tunnel for each.
func profileFlag(c *cobra.Command, profile *string) {
	c.Flags().StringVar(profile, "profile", "", "home, or everything: the code with that through home (default the device's own)")
}

// printForm prints a config or code as it is.
func printForm(ctx context.Context, o *options, client *api.Client, p api.Peer, form string, query url.Values) error {
	b, err := client.Config(ctx, p.ID, form, query)
	if err != nil {
		return err
	}
	_, err = o.tty.out.Write(b)
	return err
}
