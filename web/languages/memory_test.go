package languages

import (
	"runtime"
	"testing"
)

// The page's texts are in memory for as long as homeward runs, on boxes with
// little of it: 4.0 MiB in four languages when this was
// written, 4.9 with every plural form for texts that have none.
func TestTheTextsTakeLittleMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c, err := readAll()
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d KiB", used>>10)
	if used > 47<<20/10 {
		t.Errorf("the texts take %d KiB", used>>10)
	}
	runtime.KeepAlive(c)
}

func TestTheTextsAreReadOnce(t *testing.T) {
	first, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Load()
	if err != nil || first != second {
		t.Errorf("they are read again for everybody who asks: %v", err)
	}
	if l, _ := first.Find("en"); l != English() {
		t.Error("English is read apart from them")
	}
}
