package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module makes a module with these files the current folder.
func module(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	files["go.mod"] = "module tried\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	t.Setenv("GOFLAGS", "-mod=mod")
}

// once fails when it runs first, and passes from then on.
const once = `package p
import ("os"; "testing")
func TestOnce(t *testing.T) {
	t.Run("part", func(t *testing.T) {
		if _, err := os.Stat("was.here"); err != nil { os.WriteFile("was.here", nil, 0o600); t.Fatal(WHY) }
	})
}
func TestGood(*testing.T) {}
`

func TestAFailedTestIsTriedOnceMoreAlone(t *testing.T) {
	for name, c := range map[string]struct {
		file, more string
		again      bool
		code       int
		last       string
	}{
		"unsteady":            {once, "", true, 0, "3 passed, 0 failed, 0 skipped"},
		"not asked for":       {once, "", false, 1, "1 passed, 2 failed, 0 skipped"},
		"fails again":         {once, "func TestBad(t *testing.T) { t.Fatal() }", true, 1, "3 passed, 1 failed, 0 skipped"},
		"a race":              {strings.Replace(once, "WHY", `"WARNING: DATA RACE"`, 1), "", true, 1, "1 passed, 2 failed, 0 skipped"},
		"a package that ends": {once, "func TestEnd(*testing.T) { os.Exit(3) }", true, 1, ""},
		"more than a few": {once, "func TestA(t *testing.T) { t.Fatal() }\nfunc TestB(t *testing.T) { t.Fatal() }\n" +
			"func TestC(t *testing.T) { t.Fatal() }\nfunc TestD(t *testing.T) { t.Fatal() }\nfunc TestE(t *testing.T) { t.Fatal() }", true, 1, "1 passed, 7 failed, 0 skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			module(t, map[string]string{"p/p_test.go": strings.Replace(c.file, "WHY", `"slow"`, 1) + c.more})
			var out strings.Builder
			code := run(settings{again: c.again, packages: []string{"./..."}}, &out)
			if code != c.code || !strings.HasSuffix(out.String(), c.last+"\n") {
				t.Errorf("code %d, want %d and %q:\n%s", code, c.code, c.last, &out)
			}
			if told := strings.Contains(out.String(), "unsteady: failed once, and passed when run again alone:\n  tried/p TestOnce\n"); told != (c.again && (name == "unsteady" || name == "fails again")) {
				t.Errorf("unsteady tests are told: %v\n%s", told, &out)
			}
		})
	}
}

func TestTheLastPackagesRunAfterTheOthers(t *testing.T) {
	const test = "package p\nimport \"testing\"\nfunc TestIt(*testing.T) {}\n"
	module(t, map[string]string{"a/a_test.go": test, "b/c/c_test.go": test, "d/d_test.go": test})
	var out strings.Builder
	if code := run(settings{last: []string{"a"}, packages: []string{"./..."}}, &out); code != 0 {
		t.Errorf("code %d:\n%s", code, &out)
	}
	if text := out.String(); strings.Index(text, "ok   tried/a ") < strings.Index(text, "ok   tried/d ") || !strings.HasSuffix(text, "\n3 passed, 0 failed, 0 skipped\n") {
		t.Errorf("the order, or the count:\n%s", text)
	}
	if code := run(settings{last: []string{"renamed"}, packages: []string{"./..."}}, &out); code == 0 {
		t.Error("a last package that there is not is no success")
	}
}
