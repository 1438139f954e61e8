package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"homeward/web/api"
	"homeward/web/languages"
)

// What is said in this package is in the catalogue, and what is in the catalogue
// is said.
func TestWhatIsSaidOfTheWayHomeIsInEveryLanguage(t *testing.T) {
	catalogue, err := os.ReadFile("../../web/languages/texts/way.toml")
	if err != nil {
		t.Fatal(err)
	}
	var written, said []string
	for _, m := range regexp.MustCompile(`(?m)^\[say_(\w+)\]$`).FindAllStringSubmatch(string(catalogue), -1) {
		written = append(written, m[1])
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(say|advise|named)\((?:&?j, )?"(\w+)"|lookingForRouter = "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			said = append(said, m[2]+m[3])
			if m[1] == "named" {
				said = append(said, m[2]+"_unnamed")
			}
		}
	}
	slices.Sort(written)
	slices.Sort(said)
	if said = slices.Compact(said); !slices.Equal(written, said) {
		t.Errorf("said is\n%v\nwritten is\n%v", said, written)
	}
	if len(said) < 40 {
		t.Errorf("only %d sentences were found: the test looks at the wrong place", len(said))
	}
}

func TestAJointIsSaidTheSameInEnglishAndByItsCode(t *testing.T) {
	var j api.Joint
	say(&j, "port_by_hand", "Port", 51820)
	say(&j, "port_unseen")
	advise(&j, "outside_try")
	if !strings.HasPrefix(j.Summary, "UDP 51820 is forwarded here by hand") || !strings.HasSuffix(j.Summary, ". Nobody was seen to come in by it yet.") || !strings.HasPrefix(j.Advice, "To see it work") {
		t.Errorf("%q, %q", j.Summary, j.Advice)
	}
	texts := languages.Load()
	german, _ := texts.Find("de")
	if got := german.Code("way.say", j.Says[0].Code, j.Says[0].Pairs...); !strings.HasPrefix(got, "UDP 51820 ist von Hand") {
		t.Errorf("in German: %q", got)
	}
	adviseFree(&j, "Do something else.")
	if j.Advice != "Do something else." || len(j.Advises) != 0 {
		t.Errorf("%+v", j)
	}
}
