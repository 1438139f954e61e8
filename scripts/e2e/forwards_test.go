//go:build linux

package e2e

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// called reports whether somebody on the internet reaches a TCP port of the house,
// and who answers.
func called(t *testing.T, lab *labnet.Lab, port string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	c, err := lab.Internet.Dial(ctx, "tcp", net.JoinHostPort(labnet.RouterWAN, port))
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 16)
	n, _ := c.Read(b)
	return string(b[:n])
}

// What an owner opens to another machine is reached from the internet, comes back
// after the router restarted without its table, and is gone when it is switched off,
// when homeward ends, and when a crashed one is cleaned up after.
func TestAPortThatTheOwnerOpensLeadsToTheShare(t *testing.T) {
	lab := labnet.New(t, labnet.Options{Insecure: true})
	lab.Share.Serve(":8080", func(c net.Conn) { c.Write([]byte("the share")) })
	h := startHomeward(t, lab, build(t, lab.Dir), true)
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	if got := called(t, lab, "8443"); got != "" {
		t.Fatalf("before it is opened %q answers", got)
	}
	do := func(says string, args ...string) {
		t.Helper()
		if out, err := h.do(args...); err != nil || !strings.Contains(out, says) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	do("is open", "ports", "open", "Web", "tcp", "8443", labnet.Share4+":8080")
	labnet.Eventually(t, 5*time.Second, "the share is reached", func() bool { return called(t, lab, "8443") == "the share" })
	do("homeward (kept open)", "ports", "list")

	begun := time.Now()
	lab.StopIGD(syscall.SIGKILL)
	lab.ForgetMappings()
	lab.StartIGD()
	labnet.Eventually(t, 40*time.Second, "the share is reached after the router restarted", func() bool { return called(t, lab, "8443") == "the share" })
	t.Logf("reached again %v after the router was killed", time.Since(begun).Round(100*time.Millisecond))

	do("is closed", "ports", "close", "tcp", "8443", "--yes")
	labnet.Eventually(t, 10*time.Second, "the port is closed", func() bool { return called(t, lab, "8443") == "" && len(lab.Mappings()) == 1 })
	do("is open", "ports", "rules", "on", "1")
	h.stop()
	if left := lab.Mappings(); len(left) != 0 {
		t.Errorf("left on the router: %v", left)
	}

	h = startHomeward(t, lab, h.bin, true)
	labnet.Eventually(t, 20*time.Second, "both ports are open again", func() bool { return len(lab.Mappings()) == 2 })
	h.Signal(syscall.SIGKILL)
	h.Wait()
	if left := lab.Mappings(); len(left) != 2 {
		t.Fatalf("after a crash: %v", left)
	}
	do("", "cleanup")
	if left := lab.Mappings(); len(left) != 0 {
		t.Errorf("after the clean-up: %v", left)
	}
}

// In its secure mode the router refuses, and that is said plainly.
func TestASecureRouterRefusesPortsForOthers(t *testing.T) {
	lab := labnet.New(t)
	h := startHomeward(t, lab, build(t, lab.Dir), true)
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	out, err := h.do("ports", "open", "Web", "tcp", "8443", labnet.Share4+":8080")
	if err != nil || !strings.Contains(out, "the router refuses") || !strings.Contains(out, "secure mode") || !strings.Contains(out, labnet.Share4) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := h.do("ports", "open", "Own", "tcp", "8444", labnet.NAS4+":8081"); err != nil || !strings.Contains(out, "is open") {
		t.Errorf("for this box: %v\n%s", err, out)
	}
	for _, args := range [][]string{
		{"ports", "open", "Page", "tcp", "9000", labnet.NAS4 + ":8377"},
		{"ports", "open", "Router", "tcp", "9000", labnet.RouterLAN + ":8081"},
	} {
		if out, err := h.do(args...); err == nil || !strings.Contains(out, "homeward's own page") && !strings.Contains(out, "router itself") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if len(lab.Mappings()) != 2 {
		t.Errorf("%v", lab.Mappings())
	}
}
