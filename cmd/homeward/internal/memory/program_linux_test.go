package memory

import (
	"os"
	"slices"
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

func TestOnlyWhatWasNotChangedIsReleased(t *testing.T) {
	const maps = `00400000-00500000 r-xp 00000000 08:01 7 /usr/bin/homeward
Size:               1024 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
00500000-00510000 r--p 00100000 08:01 7 /usr/bin/homeward
Size:                 64 kB
Anonymous:             4 kB
00510000-00520000 rw-p 00110000 08:01 7 /usr/bin/homeward
Anonymous:             0 kB
00520000-00530000 r--p 00120000 08:01 7 /usr/bin/homeward
Anonymous:             0 kB
7f0000000000-7f0000001000 r--p 00000000 08:01 9 /usr/lib/libc.so
Anonymous:             0 kB
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
Anonymous:             0 kB
`
	got := unchanged(maps, "/usr/bin/homeward")
	if want := []mapping{{0x400000, 0x500000}, {0x520000, 0x530000}}; !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}
