package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homeward/configs"
)

// heeded are the common flags that commands heed, by command; those that are not here
// heed commonFlags. All commands accept all of them, so that scripts may give the same
// to each, but the help names no flag that changes nothing.
var heeded = map[string][]string{
	"serve":             append(settingFlags(), "config"),
	"cleanup":           {"config", "state", "interface", "port", "map-port", "map-second-router", "log-level", "log-format"},
	"restore":           {"config", "state", "json", "log-level", "log-format"},
	"service install":   {"config", "json", "plane"},
	"service uninstall": {"config", "json", "interface", "port", "map-port", "map-second-router", "log-level", "log-format"},
	"update":            commonFlags,
	// These answer in one form.
	"admin password": quiet, "admin start-normally": quiet, "admin tokens revoke": quiet,
	"admin users add": quiet, "admin users role": quiet, "admin users rename": quiet,
	"admin users password": quiet, "admin users totp-off": quiet, "admin users remove": quiet,
	"backup nightly off": quiet, "dns remove": quiet, "peers config": quiet, "peers qr": quiet,
	"ports close": quiet, "ports rules remove": quiet,

	"dns providers": {"json"},
	"version":       {"json"},
	"man":           {},
	"help":          {},
	"completion":    {},
}

// commonFlags are what most commands heed: where the running homeward is, and in which
// form it answers.
var commonFlags = []string{"config", "state", "json"}

// quiet are those of what only says that it is done.
var quiet = []string{"config", "state"}

func settingFlags() []string {
	var list []string
	for _, k := range configs.Keys() {
		list = append(list, k.Flag())
	}
	return list
}

// heeds are the common flags that c heeds.
func heeds(c *cobra.Command) []string {
	path := strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
	if list, ok := heeded[path]; ok {
		return list
	}
	if strings.HasPrefix(path, "completion ") {
		return nil
	}
	return commonFlags
}

// helpful makes the help of each command show only those of root's flags that it heeds:
// all about them where they are for homeward itself, and else what they are in short.
func helpful(root *cobra.Command, env func(string) (string, bool)) {
	about := map[string][2]string{} // in short, and all
	for _, k := range configs.Keys() {
		about[k.Flag()] = [2]string{k.Short(), k.Doc}
	}
	about["state"] = [2]string{about["state"][0] + " (default " + configs.DefaultStateDir(env) + ")", about["state"][1]}
	show := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		list := heeds(c)
		root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
			f.Hidden = !slices.Contains(list, f.Name)
			if texts, set := about[f.Name]; set {
				f.Usage = texts[0]
				if c.Name() == "serve" {
					f.Usage = texts[1]
				}
			}
		})
		show(c, args)
	})
}
