//go:build linux

package e2e

import (
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

func TestWhatOthersOpenedOnTheRouterIsSeenAndClosed(t *testing.T) {
	lab := labnet.New(t)
	h := startHomeward(t, lab, build(t, lab.Dir), true)
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	lab.Share.Run("upnpc", "-m", "eth0", "-e", "camera", "-a", labnet.Share4, "8554", "8554", "TCP", "3600")
	lab.NAS.Run("upnpc", "-m", "eth0", "-e", "torrents", "-a", labnet.NAS4, "6881", "6881", "TCP", "3600")

	list := func() string {
		out, err := h.do("ports", "list")
		if err != nil {
			t.Fatal(out)
		}
		return out
	}
	if out := list(); !strings.Contains(out, "TCP 8554") || !strings.Contains(out, labnet.Share4+":8554") || !strings.Contains(out, "camera") || strings.Count(out, "homeward (this box)") != 1 {
		t.Errorf("list:\n%s", out)
	}
	if out, err := h.do("ports", "audit"); err != nil || !strings.Contains(out, "1 dangerous") || !strings.Contains(out, "A camera or recorder is open") || strings.Contains(out, "Nobody answers") {
		t.Errorf("audit: %s, %v", out, err)
	}
	if out, err := h.do("ports", "close", "tcp", "6881"); err == nil || !strings.Contains(out, "--yes") {
		t.Errorf("closed without a question: %s", out)
	}
	if out, err := h.do("ports", "close", "tcp", "6881", "--yes"); err != nil {
		t.Error(out)
	}
	if out := list(); strings.Contains(out, "6881") || len(lab.Mappings()) != 2 {
		t.Errorf("still there:\n%s", out)
	}
	// In its secure mode the router lets a machine close only what leads to it.
	if out, err := h.do("ports", "close", "tcp", "8554", "--yes"); err == nil || !strings.Contains(out, "remove the row “camera” to "+labnet.Share4+":8554") {
		t.Errorf("closing another machine's: %s, %v", out, err)
	}
	port := strings.Fields(strings.SplitN(list(), "UDP ", 2)[1])[0]
	if out, err := h.do("ports", "close", "udp", port, "--yes"); err == nil || !strings.Contains(out, "how devices come home") {
		t.Errorf("closing our own: %s, %v", out, err)
	}
	if out, err := h.do("doctor"); err != nil || !strings.Contains(out, "spoken to by") || !strings.Contains(out, labnet.RouterLAN+" on eth0, we are "+labnet.NAS4) {
		t.Errorf("doctor: %s, %v", out, err)
	}
}
