//go:build linux

package reliability

import (
	"crypto/rand"
	"net"
	"strings"
	"syscall"
	"time"

	"homeward/scripts/labnet"
)

// movedLAN begins the addresses of the LAN after moveLAN.
const movedLAN = "192.168.88"

// routerOff switches the router off for a while. Nothing at home has a network
// meanwhile, and the router forgets all.
func (h *home) routerOff() time.Time {
	links := []string{"wan0", "port10", "port20", "port30"}
	h.StopIGD(syscall.SIGKILL)
	for _, l := range links {
		h.Router.Run("ip", "link", "set", l, "down")
	}
	h.ForgetMappings()
	h.cutOff()
	time.Sleep(lasting(3*time.Minute, 10*time.Second))
	for _, l := range links {
		h.Router.Run("ip", "link", "set", l, "up")
	}
	h.Router.AddRoute("default", "81.2.69.1")
	h.Router.Try("ip", "-6", "addr", "add", labnet.RouterWAN6+"/64", "dev", "wan0", "nodad") // lost with the link
	h.Router.Try("ip", "-6", "route", "add", "default", "via", "2a01:5ead:69::1")
	h.StartIGD()
	return time.Now()
}

// cableOut pulls the NAS's cable out for a while.
func (h *home) cableOut() time.Time {
	h.Router.Run("ip", "link", "set", "port10", "down")
	h.cutOff()
	time.Sleep(lasting(time.Minute, 5*time.Second))
	h.Router.Run("ip", "link", "set", "port10", "up")
	return time.Now()
}

// renameInterface gives the NAS's interface another name, as an update of the system
// or another slot does. Its addresses and routes are set anew.
func (h *home) renameInterface() time.Time {
	h.NAS.Run("ip", "link", "set", "eth0", "down")
	h.cutOff()
	h.NAS.Run("ip", "link", "set", "eth0", "name", "lan9")
	h.NAS.Run("ip", "link", "set", "lan9", "up")
	for _, a := range []string{labnet.NAS6 + "/64", labnet.NASPublic6 + "/64"} {
		h.NAS.Try("ip", "addr", "add", a, "dev", "lan9", "nodad") // lost with the link
	}
	h.NAS.AddRoute("default", labnet.RouterLAN)
	h.NAS.Try("ip", "-6", "route", "add", "default", "via", labnet.RouterLAN6)
	return time.Now()
}

// flushFirewall empties the NAS's firewall, as the start of another one does. It is
// flushed again until somebody has looked before homeward repaired it, which it does
// within seconds: without its rules the LAN must be out of reach.
func (h *home) flushFirewall() time.Time {
	ours := func() (rules string, there bool) {
		rules = h.NAS.Run("nft", "list", "ruleset")
		return rules, strings.Contains(rules, "homeward")
	}
	if rules, there := ours(); !there {
		h.Fatalf("there is nothing of homeward's to flush:\n%s", rules)
	}
	reaches := func() bool {
		_, err := h.Phone.Try("ping", "-c1", "-W1", h.share)
		return err == nil
	}
	if !reaches() {
		h.Fatal("the phone does not reach the LAN before")
	}
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		h.NAS.Run("nft", "flush", "ruleset")
		since := time.Now()
		served := reaches()
		if _, repaired := ours(); repaired {
			continue // too early to say what the flush does
		}
		if served {
			h.Fatal("the phone reaches the LAN without homeward's rules: this measures nothing")
		}
		return since
	}
	h.Fatal("homeward repairs its rules each time before anybody can look: this measures nothing")
	return time.Time{}
}

// kill kills homeward and starts it again.
func (h *home) kill() time.Time {
	h.homeward.Signal(syscall.SIGKILL)
	<-h.homeward.Done()
	h.cutOff()
	h.start()
	return time.Now()
}

// suspendBox lets the box sleep for a while: it does nothing at all meanwhile.
func (h *home) suspendBox() time.Time {
	h.homeward.Signal(syscall.SIGSTOP)
	h.cutOff()
	time.Sleep(lasting(4*time.Minute, 5*time.Second)) // longer than a session lives
	h.homeward.Signal(syscall.SIGCONT)
	return time.Now()
}

// namesDead lets the router answer no question for a name. The way home needs none.
func (h *home) namesDead() time.Time {
	h.Router.Run("nft", "add table inet trial")
	h.Router.Run("nft", "add chain inet trial way { type filter hook input priority -5; }")
	h.Router.Run("nft", "add rule inet trial way meta l4proto { tcp, udp } th dport 53 drop")
	h.Cleanup(func() { h.Router.Try("nft", "delete table inet trial") })
	if out, err := h.Phone.Try("dig", "+time=2", "+tries=1", labnet.ShareName, "A"); err == nil && strings.Contains(out, labnet.Share4) {
		h.Fatal("names are looked up all the same: this measures nothing")
	}
	return time.Now()
}

// junk sends what is no WireGuard to the port, from the internet, until the test ends.
func (h *home) junk() time.Time {
	c, err := h.Internet.ListenPacket("udp4", ":0")
	if err != nil {
		h.Fatal(err)
	}
	to, err := net.ResolveUDPAddr("udp4", net.JoinHostPort(labnet.RouterWAN, h.port))
	if err != nil {
		h.Fatal(err)
	}
	ended := make(chan int)
	go func() {
		b, sent := make([]byte, 1200), 0
		for rand.Read(b); ; sent++ {
			b[0] = byte(1 + sent%4) // of each type of WireGuard's
			if _, err := c.WriteTo(b[:64+sent%1000], to); err != nil {
				ended <- sent
				return
			}
		}
	}()
	begun := time.Now()
	h.Cleanup(func() {
		c.Close()
		sent := <-ended
		h.Logf("%d packets of junk, %.0f a second", sent, float64(sent)/time.Since(begun).Seconds())
		if sent < 10_000 {
			h.Errorf("that is too little to prove anything")
		}
	})
	time.Sleep(2 * time.Second) // under it for a while
	return time.Now()
}

// moveLAN gives the whole LAN other addresses, as another router does. The NAS gets
// its address, network and gateway as DHCP would set them.
func (h *home) moveLAN() time.Time {
	h.StopIGD(syscall.SIGTERM)
	h.ForgetMappings()
	h.Router.Run("ip", "addr", "del", labnet.RouterLAN+"/24", "dev", "lan0")
	h.Router.Address("lan0", movedLAN+".1/24")
	h.share = movedLAN + ".20"
	for host, last := range map[*labnet.Host]string{h.NAS: ".10", h.Share: ".20"} {
		dev := strings.Fields(host.Run("ip", "-br", "-4", "addr", "show", "to", labnet.LANPrefix4))[0]
		dev, _, _ = strings.Cut(dev, "@")
		host.Run("ip", "-4", "addr", "flush", "dev", dev)
		if host == h.NAS {
			h.cutOff()
		}
		host.Address(dev, movedLAN+last+"/24")
		host.AddRoute("default", movedLAN+".1")
	}
	h.StartIGD()
	return time.Now()
}
