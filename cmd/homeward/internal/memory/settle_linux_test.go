package memory

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// resident is how much of this program's file is in memory, in KiB.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "RssFile:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("the kernel does not say")
	return 0
}

func TestTheProgramGoesOnAfterItsPagesAreGivenBack(t *testing.T) {
	before := resident(t)
	releaseProgram()
	after := resident(t)
	if after >= before {
		t.Errorf("%d KiB are resident, before %d", after, before)
	}
}
