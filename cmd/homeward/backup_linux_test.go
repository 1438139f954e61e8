package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A backup that is said to be written survives a power cut: its bytes are on the disk
// before it has its name, and the name is before it is said.
func TestABackupIsOnTheDiskWhenItIsSaidToBeWritten(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs the program strace: install the Debian package strace, or run scripts/test as root")
	}
	dir := newDir(t, "")
	start(t, dir)
	phrase, calls := filepath.Join(dir, "phrase"), filepath.Join(dir, "calls")
	if err := os.WriteFile(phrase, []byte(backupPhrase), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	p := spawn(t, dir, []string{strace, "-f", "-y", "-s", "500", "-o", calls, "-e", "trace=fsync,rename,renameat,renameat2,write"}, "backup", filepath.Join(folder, "home.backup"), "--passphrase-file", phrase)
	if err := <-p.done; err != nil {
		t.Fatalf("%v: %s", err, p.said.String())
	}
	close(p.done)
	log, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{`fsync\(\d+<` + folder + `/\.homeward-[^>]*>\) += 0`, `rename\w*\([^\n]*home\.backup"[^\n]*\) += 0`, `fsync\(\d+<` + folder + `>\) += 0`, `write\(1<[^\n]*home\.backup is written`} {
		found := regexp.MustCompile(want).FindIndex(log[at+1:])
		if found == nil {
			t.Fatalf("no %s after what comes before it, in\n%s", want, strings.Join(regexp.MustCompile(`(?m)^.*(sync|rename).*$`).FindAllString(string(log), -1), "\n"))
		}
		at += 1 + found[0]
	}
}
