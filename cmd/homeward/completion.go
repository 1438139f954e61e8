package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homeward/peers"
	"homeward/peers/history"
	"homeward/web/account"
	"homeward/web/api"
)

// completionPatience is how long somebody who pressed the tab key waits at most for
// the running homeward.
const completionPatience = time.Second

// bashScript has bash complete commands. The one that cobra makes hands names over as
// they are where several begin alike, so that their spaces and quotes are bash's; it also
// runs what is typed, and needs a package.
//
//go:embed completion.bash
var bashScript string

// speaksBash gives the command "completion bash", which cobra makes, our script.
func (o *options) speaksBash(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	c, _, err := root.Find([]string{"completion", "bash"})
	if err != nil {
		panic(err) // cobra has no such command any more
	}
	c.Long = `Print what makes bash complete commands, devices and what flags take at the tab key.

For the present shell:

	source <(homeward completion bash)

For every new one, as root:

	homeward completion bash > /etc/bash_completion.d/homeward

The latter takes the package bash-completion; without it, put the first line into
~/.bashrc.`
	c.ResetFlags() // cobra's script could leave the descriptions out
	c.RunE = func(*cobra.Command, []string) error {
		_, err := io.WriteString(o.tty.out, bashScript)
		return err
	}
}

// completes tells the shells what may be typed for the arguments and flags of c and the
// commands below it. Files are offered only where a file is wanted.
func (o *options) completes(c *cobra.Command) {
	for _, sub := range c.Commands() {
		o.completes(sub)
	}
	if c.HasParent() && !c.HasSubCommands() {
		c.ValidArgsFunction = o.argumentsOf(c)
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if values := o.valuesOf(c, f.Name); values != nil {
			if err := c.RegisterFlagCompletionFunc(f.Name, values); err != nil {
				panic(err) // it is registered twice
			}
		}
	})
}

// argumentsOf is what completes the arguments of c; nil means files.
func (o *options) argumentsOf(c *cobra.Command) cobra.CompletionFunc {
	path := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
	switch path {
	case "import", "restore":
		return nil
	case "peers access":
		return inTurn(o.devices, oneOf(peers.AccessEverything, peers.AccessHome, peers.AccessInternet, peers.AccessNothing))
	case "admin users role":
		return inTurn(o.users, oneOf(account.RoleAdmin, account.RoleViewer))
	case "admin users rename", "admin users password", "admin users totp-off", "admin users remove":
		return inTurn(o.users)
	case "dns set":
		return inTurn(dnsProviderKeys)
	case "ports close":
		return inTurn(oneOf("tcp", "udp"))
	case "ports open":
		return inTurn(cobra.NoFileCompletions, oneOf("tcp", "udp"))
	case "ports guide", "ports by-hand":
		return inTurn(oneOf(brandKeys()...))
	}
	if strings.HasPrefix(path, "peers ") && strings.Contains(c.Use, " NAME|ID") {
		return inTurn(o.devices)
	}
	return cobra.NoFileCompletions
}

// valuesOf is what completes a flag of c; nil means files, as shells have it.
func (o *options) valuesOf(c *cobra.Command, flag string) cobra.CompletionFunc {
	switch flag {
	case "profile":
		return oneOf(peers.ProfileHome, peers.ProfileEverything)
	case "access":
		return oneOf(peers.AccessEverything, peers.AccessHome, peers.AccessInternet)
	case "kind":
		if c.Name() == "log" {
			return oneOf(history.Kinds()...)
		}
		return oneOf(peers.Kinds()...)
	case "sort":
		return oneOf(peers.Orders()...)
	case "peer":
		return o.devices
	case "role":
		return oneOf(account.RoleAdmin, account.RoleViewer)
	case "apple":
		return oneOf("ios", "macos")
	case "restart":
		return oneOf("auto", "yes", "no")
	case "manager":
		return oneOf("systemd", "openrc", "sysv")
	case "plane":
		return oneOf("auto", "tun", "netstack")
	case "log-level":
		return oneOf("debug", "info", "warn", "error")
	case "log-format":
		return oneOf("text", "json")
	}
	return nil
}

// inTurn completes the first argument by the first of these, and so on.
func inTurn(each ...cobra.CompletionFunc) cobra.CompletionFunc {
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= len(each) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return each[len(args)](c, args, typed)
	}
}

// oneOf completes by a fixed set, in its order.
func oneOf[T ~string](values ...T) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		var list []string
		for _, v := range values {
			if strings.HasPrefix(string(v), typed) {
				list = append(list, string(v))
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// devices completes by the names of the devices.
func (o *options) devices(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return o.running(c, func(ctx context.Context, client *api.Client) []string {
		all, _ := client.Peers(ctx) // who cannot be asked offers nothing
		return deviceChoices(all, typed)
	})
}

// users completes by the names of those who may log in.
func (o *options) users(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return o.running(c, func(ctx context.Context, client *api.Client) []string {
		all, _ := client.Users(ctx)
		var list []string
		for _, u := range all {
			if strings.HasPrefix(u.Name, typed) && choosable(u.Name) {
				list = append(list, u.Name)
			}
		}
		return list
	})
}

// running asks the homeward that runs, and nobody where none does or the settings are
// wrong: an error would be written into what a person is typing.
func (o *options) running(c *cobra.Command, ask func(context.Context, *api.Client) []string) ([]string, cobra.ShellCompDirective) {
	client, err := o.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(c.Context(), completionPatience)
	defer cancel()
	return ask(ctx, client), cobra.ShellCompDirectiveNoFileComp
}

// deviceChoices are the devices whose name begins with what was typed, as shells take
// them: name, tab, description. Shells quote the names themselves. One whose name no
// shell could take is offered by its number.
func deviceChoices(all []api.Peer, typed string) []string {
	var list []string
	for _, p := range all {
		number := fmt.Sprint(p.ID)
		switch {
		case !choosable(p.Name) && strings.HasPrefix(number, typed):
			list = append(list, number+"\t"+strings.ReplaceAll(plain(p.Name), ":", " "))
		case choosable(p.Name) && strings.HasPrefix(p.Name, typed):
			list = append(list, p.Name+"\t"+p.Kind+", number "+number)
		}
	}
	return list
}

// choosable reports whether the shells' scripts hand a name on as it is: the one for
// bash ends the list at a colon.
func choosable(name string) bool {
	return !strings.Contains(name, ":") && plain(name) == name
}

// dnsProviderKeys completes by who can serve the house's name.
func dnsProviderKeys(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	var keys []string
	for _, p := range dnsProviders() {
		keys = append(keys, p.Key)
	}
	return oneOf(keys...)(c, args, typed)
}
