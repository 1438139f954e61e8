package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestAStartThatFailsLeavesNoPageOpen(t *testing.T) {
	dir := newDir(t, "")
	port := freePort(t)
	long := filepath.Join(dir, strings.Repeat("a", 120)) // no socket fits below it
	code, _, errs := homeward(t.Context(), dir, "serve", "--map-port=false", "--plane", "netstack", "--bind", "127.0.0.1", "--admin-port", port, "--state", long)
	if code != exitFailed || strings.Contains(errs, "TCP port") {
		t.Fatalf("exit code %d, said %q", code, errs)
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatalf("the page is still open: %v", err)
	}
	l.Close()
}
