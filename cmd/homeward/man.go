package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"homeward/configs"
)

// newMan prints the manual page homeward(1), made of the commands' own words.
func newMan(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "Print the manual page homeward(1)", Args: cobra.NoArgs, Hidden: true,
		Long: "Print the manual page homeward(1), made of what the commands' help says.", Example: "  homeward man | man -l -",
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(o.tty.out, manPage(c.Root()))
			return err
		},
	}
}

func manPage(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH HOMEWARD 1 \"\" \"homeward %s\"\n.SH NAME\nhomeward \\- %s\n", version, troff(root.Short))
	b.WriteString(".SH SYNOPSIS\n.B homeward\n.I command\n[\\fIoptions\\fR]\n.SH DESCRIPTION\n")
	b.WriteString(paragraphs(root.Long))
	b.WriteString(".SH COMMANDS\n")
	describe(&b, root)
	b.WriteString(".SH SETTINGS\nEach is a key of the operator's file, a variable and an option. Every command takes them all; its help names those that it heeds.\n")
	for _, k := range configs.Keys() {
		fmt.Fprintf(&b, ".TP\n\\fB%s\\fR, \\fB%s\\fR, \\fB\\-\\-%s\\fR\n%s\n", troff(k.Name), troff(k.Env()), troff(k.Flag()), troff(k.Doc))
	}
	b.WriteString(".SH FILES\n.TP\n/etc/homeward/homeward.toml\nThe operator's file; for other users than root ~/.config/homeward/homeward.toml.\n" +
		".TP\n/var/lib/homeward\nThe state directory; for other users than root ~/.local/state/homeward.\n")
	return b.String()
}

// describe writes the commands below c that do something.
func describe(b *strings.Builder, c *cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.Hidden || sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		if sub.HasSubCommands() {
			describe(b, sub)
			continue
		}
		fmt.Fprintf(b, ".SS %s\n%s.\n", troff(strings.TrimSuffix(sub.UseLine(), " [flags]")), troff(sub.Short))
		if sub.Long != "" {
			b.WriteString(".PP\n" + paragraphs(sub.Long))
		}
		sub.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			fmt.Fprintf(b, ".TP\n\\fB\\-\\-%s\\fR\n%s\n", troff(f.Name), troff(f.Usage))
		})
		if sub.Example != "" {
			fmt.Fprintf(b, ".PP\n.nf\n%s\n.fi\n", troff(sub.Example))
		}
	}
}

func paragraphs(text string) string {
	return strings.ReplaceAll(troff(strings.TrimSpace(text)), "\n\n", "\n.PP\n") + "\n"
}

// troff escapes what roff would take for a command.
func troff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "’", "'", "“", `"`, "”", `"`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
