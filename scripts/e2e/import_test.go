//go:build linux

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/scripts/labnet"
)

// A phone that knows another server only comes home after that was imported while it
// ran, with the file that the other one gave it.
func TestAPhoneOfTheOldServerComesHomeWithoutANewCode(t *testing.T) {
	labnet.NeedPrograms(t, "wireguard-go:wireguard-go", "wg:wireguard-tools")
	lab := labnet.New(t, labnet.Options{NoNATPMP: true})
	lab.Share.ServeHTTP(":80", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, fileOfTheHouse) }))
	h := startHomeward(t, lab, build(t, lab.Dir), true)
	labnet.Eventually(t, 15*time.Second, "the router's port is open", func() bool { return len(lab.Mappings()) == 1 })

	server, phone, psk := newKey(t), newKey(t), newKey(t)
	device := lab.ID + "o"
	old := lab.NAS.Start(lab.NAS.Command(context.Background(), "wireguard-go", "-f", device))
	file := filepath.Join(lab.Dir, "old.conf")
	conf := fmt.Sprintf("[Interface]\nPrivateKey = %s\nListenPort = 51999\n[Peer]\nPublicKey = %s\nPresharedKey = %s\nAllowedIPs = 10.99.7.2/32\n", server, phone.PublicKey(), psk)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	labnet.Eventually(t, 5*time.Second, "the old server runs", func() bool { _, err := lab.NAS.Try("wg", "setconf", device, file); return err == nil })
	lab.NAS.Address(device, "10.99.7.1/24")
	lab.NAS.Run("ip", "link", "set", device, "up")

	type result struct {
		out string
		err error
	}
	begun := time.Now()
	imported := make(chan result, 1)
	go func() {
		out, err := h.do("import", device)
		imported <- result{out, err}
	}()
	select {
	case r := <-imported:
		t.Fatalf("the import did not wait for the port: %v\n%s", r.err, r.out)
	case <-time.After(2 * time.Second):
	}
	if err := old.Stop(); err != nil {
		t.Logf("the old server ended with %v", err)
	}
	r := <-imported
	if r.err != nil || !strings.Contains(r.out, "UDP port 51999 is in use") || !strings.Contains(r.out, "Devices taken over: 1.") {
		t.Fatalf("import: %v\n%s", r.err, r.out)
	}
	t.Logf("imported after %v", time.Since(begun).Round(time.Millisecond))
	labnet.Eventually(t, 20*time.Second, "the router leads the old port here", func() bool {
		m := lab.Mappings()
		return len(m) == 1 && strings.Contains(m[0], " 51999->"+labnet.NAS4+":51999")
	})
	t.Logf("the port is open after %v", time.Since(begun).Round(time.Millisecond))
	down := lab.PhoneUp(fmt.Appendf(nil, "[Interface]\nPrivateKey = %s\nAddress = 10.99.7.2/24\n[Peer]\nPublicKey = %s\nPresharedKey = %s\nEndpoint = %s:51999\nAllowedIPs = %s\n",
		phone, server.PublicKey(), psk, labnet.RouterWAN, labnet.LANPrefix4))
	defer down()
	labnet.Eventually(t, 15*time.Second, "the phone fetches the file", func() bool { return fetch(lab) == nil })
	t.Logf("first file after %v", time.Since(begun).Round(time.Millisecond))
	if took := h.stop(); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if left := lab.Mappings(); len(left) != 0 {
		t.Errorf("the router still has %q", left)
	}
}

func newKey(t *testing.T) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}
