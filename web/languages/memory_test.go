package languages

import (
	"bytes"
	"runtime"
	"testing"
)

// The page's texts are in memory for as long as homeward runs, on boxes with
// little of it: 3.4 KiB for each, in four languages, when this was written, and 4.2
// with every plural form for texts that have none.
func TestTheTextsTakeLittleMemory(t *testing.T) {
	const most = 38 << 10 / 10 // for each text, in bytes
	texts := int64(0)
	files, err := textFiles.ReadDir("texts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		raw, err := textFiles.ReadFile("texts/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		texts += int64(bytes.Count(raw, []byte("\nen = ")))
	}
	before := heap()
	c, err := readAll()
	if err != nil {
		t.Fatal(err)
	}
	used := heap() - before
	t.Logf("%d texts take %d KiB", texts, used>>10)
	if texts < 1000 || used > texts*most {
		t.Errorf("%d texts take %d KiB, want at most %d", texts, used>>10, texts*most>>10)
	}
	runtime.KeepAlive(c)
}

// heap is what is in use, in bytes. What pools hold is given up by the second collection
// only.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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
