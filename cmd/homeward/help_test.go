package main

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"homeward/configs"
)

// everyCommand calls do with root and all commands below it, also those of cobra.
func everyCommand(root *cobra.Command, do func(*cobra.Command)) {
	do(root)
	for _, c := range root.Commands() {
		everyCommand(c, do)
	}
}

func newTestRoot(t *testing.T) (*cobra.Command, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot(terminal{in: strings.NewReader(""), out: &out, err: &out, env: func(string) (string, bool) { return "", false }})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root, &out
}

// Whoever asks for help gets sentences, an example where something has to be named, and
// no flag that does nothing there.
func TestEveryCommandsHelpIsWholeAndNamesOnlyWhatItHeeds(t *testing.T) {
	root, out := newTestRoot(t)
	everyCommand(root, func(c *cobra.Command) {
		path := strings.TrimPrefix(c.CommandPath(), "homeward ")
		if c.Short == "" || c.Long == "" {
			t.Errorf("%s: Short %q, Long %q: both are needed", c.CommandPath(), c.Short, c.Long)
		}
		cobras := path == "help" || strings.HasPrefix(path, "completion")
		if _, wants, _ := strings.Cut(c.Use, " "); wants != "" && !cobras && !strings.Contains(c.Example, c.CommandPath()) {
			t.Errorf("%s takes %q, and has no example: %q", c.CommandPath(), wants, c.Example)
		}
		out.Reset()
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		list := heeds(c)
		for _, flag := range append(settingFlags(), "config", "json") {
			if c.LocalNonPersistentFlags().Lookup(flag) != nil {
				continue // its own one of that name
			}
			shown := slices.Contains(flagsIn(out.String()), flag)
			if shown != slices.Contains(list, flag) {
				t.Errorf("%s: --%s is shown: %v, is heeded: %v", c.CommandPath(), flag, shown, !shown)
			}
		}
	})
}

// flagsIn are the flags that a help describes.
func flagsIn(help string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`).FindAllStringSubmatch(help, -1) {
		list = append(list, m[1])
	}
	return list
}

func TestOnlyServeShowsWhatIsForServe(t *testing.T) {
	root, _ := newTestRoot(t)
	everyCommand(root, func(c *cobra.Command) {
		for _, flag := range []string{"bind", "admin-port", "admin-hosts", "admin-proxies", "plain-http", "endpoint"} {
			if slices.Contains(heeds(c), flag) != (c.CommandPath() == "homeward serve") {
				t.Errorf("%s shows --%s", c.CommandPath(), flag)
			}
		}
	})
	// Each name in the table is one of a command.
	for path := range heeded {
		if c, rest, err := root.Find(strings.Fields(path)); err != nil || len(rest) > 0 || c.CommandPath() != "homeward "+path {
			t.Errorf("there is no command %q", path)
		}
	}
}

// A flag that only says where the running homeward is takes one line of the help; what
// serve is told by it is said in full there.
func TestTheHelpOfAFlagIsShortButWhereItIsFor(t *testing.T) {
	root, out := newTestRoot(t)
	everyCommand(root, func(c *cobra.Command) {
		out.Reset()
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		whole := c.CommandPath() == "homeward serve"
		for _, k := range configs.Keys() {
			line := regexp.MustCompile(`(?m)^ +--` + k.Flag() + ` value.*$`).FindString(out.String())
			if line == "" || c.LocalNonPersistentFlags().Lookup(k.Flag()) != nil {
				continue
			}
			if whole && !strings.HasSuffix(line, "  "+k.Doc) {
				t.Errorf("%s says of --%s\n%s, want all: %s", c.CommandPath(), k.Flag(), line, k.Doc)
			}
			if text := line[strings.LastIndex(line, "   ")+3:]; !whole && (strings.Contains(text, ". ") || strings.HasSuffix(text, ".")) {
				t.Errorf("%s says more than what --%s is:\n%s", c.CommandPath(), k.Flag(), line)
			}
		}
	})
	out.Reset()
	if err := listCommand(t, root).Help(); err != nil {
		t.Fatal(err)
	}
	if want := "  folder for keys, devices and everything else that must survive (default " + configs.DefaultStateDir(func(string) (string, bool) { return "", false }) + ")\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%s\nwant %q in it", out, want)
	}
}

// listCommand is a command that only heeds where homeward is.
func listCommand(t *testing.T, root *cobra.Command) *cobra.Command {
	t.Helper()
	c, _, err := root.Find([]string{"peers", "list"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is not shown works as before: scripts and units give the same to all commands.
func TestFlagsThatHelpDoesNotShowAreTaken(t *testing.T) {
	for _, k := range configs.Keys() {
		root, _ := newTestRoot(t)
		if root.PersistentFlags().Lookup(k.Flag()) == nil {
			t.Errorf("--%s is not for every command", k.Flag())
		}
	}
	dir := newDir(t, "")
	code, out, errs := homeward(t.Context(), dir, "version", "--state", dir, "--admin-port", "1234", "--log-level=debug")
	if code != exitOK || !strings.HasPrefix(out, "homeward ") {
		t.Errorf("exit code %d: %q %q", code, out, errs)
	}
}
