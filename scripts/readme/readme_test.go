package readme

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func text(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tests are the names of all test functions of the project.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range name.FindAllStringSubmatch(string(b), -1) {
			all[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEachSentenceAboutTheAttackSurfaceHasItsTest(t *testing.T) {
	_, part, ok := strings.Cut(text(t), "\n## What it opens, trusts and keeps\n")
	if !ok {
		t.Fatal("the README says nothing of what homeward opens, trusts and keeps")
	}
	part, _, _ = strings.Cut(part, "\n## ")
	all, rows := tests(t), 0
	for line := range strings.Lines(part) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 2 || strings.Contains(cells[1], "---") || strings.TrimSpace(cells[1]) == "held by" {
			continue
		}
		rows++
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(cells[1], -1)
		if len(named) == 0 {
			t.Errorf("no test is named for: %s", cells[0])
		}
		for _, m := range named {
			if !all[m[1]] {
				t.Errorf("there is no %s, which is named for: %s", m[1], cells[0])
			}
		}
	}
	if rows < 15 {
		t.Errorf("only %d rows were found: the test looks at the wrong place", rows)
	}
}

func TestWhatTheReadmePointsToIsThere(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)#]+)\)|src="([^"]+)"`).FindAllStringSubmatch(text(t), -1)
	for _, m := range links {
		target := m[1] + m[2]
		if strings.Contains(target, "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, target)); err != nil {
			t.Errorf("the README points to %s: %v", target, err)
		}
	}
	if len(links) < 5 {
		t.Errorf("only %d links were found: the test looks at the wrong place", len(links))
	}
}
