package languages

import (
	"bytes"
	"runtime"
	"testing"
	"time"
)

// The page's texts are in memory while somebody reads the page, on boxes with little of
// it: 0.9 KiB for each in each language that is read, when this was written.
func TestTheTextsTakeLittleMemory(t *testing.T) {
	const most = 1200 // for each text in a language, in bytes
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
	c := Load()
	for read, l := range c.All() {
		l.Name() // of all texts but those of the way home
		used := heap() - before
		t.Logf("%d texts take %d KiB in %d languages", texts, used>>10, read+1)
		if want := texts * most * int64(read+1); texts < 1000 || used > want {
			t.Errorf("%d texts take %d KiB in %d languages, want at most %d", texts, used>>10, read+1, want>>10)
		}
	}
	if c.Forget(time.Hour) {
		t.Error("texts are forgotten just after their use")
	}
	c.Forget(0)
	if used := heap() - before; used > texts*most/10 {
		t.Errorf("%d KiB are not given back of texts that nobody reads", used>>10)
	}
	if got := English().T("format.name"); got != "English" {
		t.Errorf("after that the language's name is %q", got)
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
	l := English()
	if again, _ := Load().Find("en"); l != again || l.rest.Get() != again.rest.Get() {
		t.Error("they are read again for everybody who asks")
	}
}

func TestAllTextsCanBeRead(t *testing.T) {
	for _, tag := range tags {
		if _, err := read(tag, func(string) bool { return true }); err != nil {
			t.Error(err)
		}
	}
}
