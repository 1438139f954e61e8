package configs

import (
	_ "embed"
	"fmt"
	"strings"
)

// Example is the operator's file with every key, its meaning and its default.
//
//go:embed homeward.toml
var Example string

// example renders Example from Keys; a test holds the two together.
func example() string {
	var b strings.Builder
	b.WriteString("# homeward.toml: what homeward needs to start. Everything is optional, and\n# everything else is set on the page. Each key is also a variable and a flag.\n")
	for _, k := range Keys() {
		b.WriteString("\n")
		for _, line := range wrap(k.Doc, 76) {
			fmt.Fprintf(&b, "# %s\n", line)
		}
		fmt.Fprintf(&b, "# %s, --%s\n#%s = %s\n", k.Env(), k.Flag(), k.Name, k.literal())
	}
	return b.String()
}

func (k Key) literal() string {
	switch k.kind {
	case text:
		return fmt.Sprintf("%q", k.Default)
	case list:
		return "[]"
	}
	return k.Default
}

func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
