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

	before := startOldServer(t, lab)
	checkNotAllowed(t, h, before)

	type result struct {
		out string
		err error
	}
	begun := time.Now()
	imported := make(chan result, 1)
	go func() {
		out, err := h.do("import", before.device)
		imported <- result{out, err}
	}()
	select {
	case r := <-imported:
		t.Fatalf("the import did not wait for the port: %v\n%s", r.err, r.out)
	case <-time.After(2 * time.Second):
	}
	before.stop()
	r := <-imported
	if r.err != nil || !strings.Contains(r.out, "UDP port 51999 is in use") || !strings.Contains(r.out, "Devices taken over: 1.") {
		t.Fatalf("import: %v\n%s", r.err, r.out)
	}
	t.Logf("imported after %v", time.Since(begun).Round(time.Millisecond))
	before.comesHome(begun)
	if took := h.stop(); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if left := lab.Mappings(); len(left) != 0 {
		t.Errorf("the router still has %q", left)
	}
}

// oldServer is a WireGuard server on the lab's NAS that is no homeward, and its phone.
type oldServer struct {
	t                  *testing.T
	lab                *labnet.Lab
	device             string
	server, phone, psk wgtypes.Key
	process            *labnet.Process
}

func startOldServer(t *testing.T, lab *labnet.Lab) *oldServer {
	t.Helper()
	o := &oldServer{t: t, lab: lab, device: lab.ID + "o", server: newKey(t), phone: newKey(t), psk: newKey(t)}
	o.process = lab.NAS.Start(lab.NAS.Command(context.Background(), "wireguard-go", "-f", o.device))
	file := filepath.Join(lab.Dir, "old.conf")
	conf := fmt.Sprintf("[Interface]\nPrivateKey = %s\nListenPort = 51999\n[Peer]\nPublicKey = %s\nPresharedKey = %s\nAllowedIPs = 10.99.7.2/32\n", o.server, o.phone.PublicKey(), o.psk)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	labnet.Eventually(t, 5*time.Second, "the old server runs", func() bool { _, err := lab.NAS.Try("wg", "setconf", o.device, file); return err == nil })
	lab.NAS.Address(o.device, "10.99.7.1/24")
	lab.NAS.Run("ip", "link", "set", o.device, "up")
	return o
}

func (o *oldServer) stop() {
	o.t.Helper()
	if err := o.process.Stop(); err != nil {
		o.t.Logf("the old server ended with %v", err)
	}
}

// comesHome fails the test unless its phone, with the file of before, fetches what is at
// home.
func (o *oldServer) comesHome(begun time.Time) {
	o.t.Helper()
	labnet.Eventually(o.t, 20*time.Second, "the router leads the old port here", func() bool {
		m := o.lab.Mappings()
		return len(m) == 1 && strings.Contains(m[0], " 51999->"+labnet.NAS4+":51999")
	})
	o.t.Logf("the port is open after %v", time.Since(begun).Round(time.Millisecond))
	down := o.lab.PhoneUp(fmt.Appendf(nil, "[Interface]\nPrivateKey = %s\nAddress = 10.99.7.2/24\n[Peer]\nPublicKey = %s\nPresharedKey = %s\nEndpoint = %s:51999\nAllowedIPs = %s\n",
		o.phone, o.server.PublicKey(), o.psk, labnet.RouterWAN, labnet.LANPrefix4))
	defer down()
	labnet.Eventually(o.t, 15*time.Second, "the phone fetches the file", func() bool { return fetch(o.lab) == nil })
	o.t.Logf("first file after %v", time.Since(begun).Round(time.Millisecond))
}

func newKey(t *testing.T) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}
