//go:build linux

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// The owner forwards the port himself: what homeward had opened goes, and stays away
// over a restart; a phone outside comes in by his rule, and then it is green.
func TestAPortThatIsForwardedByHandIsLeftToTheOwnerAlsoAfterARestart(t *testing.T) {
	lab := labnet.New(t)
	bin := build(t, t.TempDir())
	h := startHomeward(t, lab, bin, true)
	says := func(part string) func() bool {
		return func() bool {
			out, err := h.do("status")
			return err == nil && strings.Contains(out, part)
		}
	}
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })
	labnet.Eventually(t, 15*time.Second, "the address is known", says("Devices call"))
	config := (&trial{t: t, h: h, lab: lab}).add("Anna's phone")
	out, err := h.do("ports", "by-hand", "fritzbox")
	if err != nil {
		t.Fatal(out)
	}
	labnet.Eventually(t, 10*time.Second, "the router's table is empty", func() bool { return len(lab.Mappings()) == 0 })
	labnet.Eventually(t, 10*time.Second, "the status says so", says("is forwarded by hand, as you said. Nobody was seen to come in by it yet."))

	h.stop()
	h.Process = lab.NAS.Start(lab.NAS.CommandAs(context.Background(), true, filepath.Join(lab.Dir, "home"), h.bin, "serve", "--state", h.state(), "--config", os.DevNull))
	labnet.Eventually(t, 15*time.Second, "after a restart the address is known", says("Devices call "+labnet.RouterWAN))
	if out, err := h.do("status"); err != nil || !strings.Contains(out, "is forwarded by hand, as you said") || !strings.Contains(out, "By hand, on FRITZ!Box") || len(lab.Mappings()) != 0 {
		t.Errorf("after a restart, with %d entries on the router: %v\n%s", len(lab.Mappings()), err, out)
	}

	_, port, _ := strings.Cut(config, "Endpoint = "+labnet.RouterWAN+":")
	port, _, _ = strings.Cut(port, "\n")
	lab.Router.Run("nft", "insert rule inet filter prerouting iifname wan0 udp dport "+port+" dnat ip to "+labnet.NAS4)
	lab.Router.Run("nft", "insert rule inet filter forward iifname wan0 udp dport "+port+" accept")
	down, err := lab.TryPhoneUp(t.Context(), []byte(config))
	if err != nil {
		t.Fatal(err)
	}
	defer down()
	(&trial{t: t, h: h, lab: lab}).lookUp(lab.Phone)
	labnet.Eventually(t, 15*time.Second, "the phone's handshake proves the rule", says("“Anna's phone” came in from "+labnet.Phone4))
	if out, _ := h.do("status"); strings.Contains(out, "Nobody was seen") || strings.Contains(out, "By hand, on") || len(lab.Mappings()) != 0 {
		t.Errorf("proven, and yet:\n%s", out)
	}

	if out, err := h.do("ports", "by-hand", "--undo"); err != nil {
		t.Fatal(out)
	}
	labnet.Eventually(t, 10*time.Second, "the port is opened again", func() bool { return len(lab.Mappings()) == 1 })
}
