package main

import (
	"io"
	"strings"
	"testing"
)

func TestCountsAreThoseOfTheEvents(t *testing.T) {
	const log = `{"Action":"output","Package":"p","Test":"A","Output":"why\n"}
{"Action":"pass","Package":"p","Test":"A","Elapsed":0.1}
{"Action":"output","Package":"p","Test":"B","Output":"needs root\n"}
{"Action":"skip","Package":"p","Test":"B"}
{"Action":"fail","Package":"p","Test":"C"}
{"Action":"fail","Package":"p"}
{"Action":"fail","Package":"does/not/build"}
{"Action":"pass","Package":"q"}
`
	var out strings.Builder
	tl := newTally(&out)
	if err := tl.read(strings.NewReader(log)); err != nil {
		t.Fatal(err)
	}
	tl.report()
	if got := out.String(); !strings.HasSuffix(got, "\n1 passed, 2 failed, 1 skipped\n") || !strings.Contains(got, "p B: needs root") {
		t.Errorf("report:\n%s", got)
	}
}

func TestARunWithoutTestsIsNoSuccess(t *testing.T) {
	if code := run(settings{only: "^$", packages: []string{"homeward/configs/secret"}}, io.Discard); code == 0 {
		t.Error("exit code 0 although nothing ran")
	}
}
