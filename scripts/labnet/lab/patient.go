//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"homeward/scripts/labnet"
)

// newWAN is the router's address after changeWAN.
const newWAN = "81.2.69.77"

// patient is a home with a phone outside, to which something happens.
type patient struct {
	lab  *labnet.Lab
	bin  string
	hw   *labnet.Process
	ctx  context.Context
	from time.Time // when the cause was over, and recovery could begin

	err      error        // why a fault could not be made
	unharmed bool         // the phone came in while the fault lasted
	visits   atomic.Int32 // how often the stranger was called
}

// start starts homeward and the clock.
func (p *patient) start() {
	home := filepath.Join(p.lab.Dir, "home")
	p.hw = p.lab.NAS.Start(p.lab.NAS.CommandAs(context.Background(), true, home, p.bin, "serve", "--state", filepath.Join(home, "state"), "--config", os.DevNull))
	p.from = time.Now()
}

// do runs a command of homeward's on the NAS.
func (p *patient) do(args ...string) (string, error) {
	return p.lab.NAS.Try(p.bin, append(args, "--state", filepath.Join(p.lab.Dir, "home", "state"), "--config", os.DevNull)...)
}

// says reports whether homeward's status has the words in it.
func (p *patient) says(words string) bool {
	out, err := p.do("status", "--json")
	return err == nil && strings.Contains(out, words)
}

// issue adds a device, as soon as that can be done, and returns its config once it
// has the words in it.
func (p *patient) issue(words string) ([]byte, error) {
	var last error
	if _, err := p.await(20*time.Second, func() bool { _, last = p.do("peers", "add", "phone"); return last == nil }); err != nil {
		return nil, last
	}
	var config string
	if _, err := p.await(20*time.Second, func() bool {
		config, last = p.do("peers", "config", "1")
		return last == nil && strings.Contains(config, words)
	}); err != nil {
		return nil, errors.Join(last, fmt.Errorf("waiting for a code with %q: %w", words, err))
	}
	return []byte(config), nil
}

// reached tries to come in by a port of the phone's that the router has not seen:
// one that it knows stays open for a while whatever happens.
func (p *patient) reached() bool {
	port := fmt.Sprint(20000 + rand.IntN(40000))
	if _, err := p.lab.Phone.Try("wg", "set", p.lab.ID, "listen-port", port); err != nil {
		return false
	}
	_, err := p.lab.Phone.Try("ping", "-c1", "-W1", labnet.Share4)
	return err == nil
}

// await waits until done, for the bound and a good while more, and says how long
// it took since p.from.
func (p *patient) await(bound time.Duration, done func() bool) (time.Duration, error) {
	for end := p.from.Add(bound + 40*time.Second); ; {
		ok := done()
		took := time.Since(p.from)
		switch {
		case ok:
			return took, nil
		case p.ctx.Err() != nil:
			return took, p.ctx.Err()
		case time.Now().After(end):
			return took, errors.New("it never did")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// restartRouter ends the router's program, empties its firewall and its memory, and
// starts it.
func (p *patient) restartRouter(by syscall.Signal, away time.Duration) {
	p.lab.StopIGD(by)
	p.lab.ForgetMappings()
	p.unharmed = p.reached()
	time.Sleep(away)
	p.lab.StartIGD()
	p.from = time.Now()
}

// restartRouterWithList is the same for a router that remembers what it had opened.
func (p *patient) restartRouterWithList() {
	p.lab.StopIGD(syscall.SIGTERM)
	p.lab.FlushMappings()
	p.unharmed = p.reached()
	p.lab.StartIGD()
	p.from = time.Now()
}

// flush empties the router's firewall, and tells nobody.
func (p *patient) flush() {
	p.lab.FlushMappings()
	p.from = time.Now()
	p.unharmed = p.reached()
}

// open reports whether the router sends a port to the NAS.
func (p *patient) open() bool {
	return strings.Contains(p.lab.RouterRuleset(), "dnat ip to "+labnet.NAS4+":")
}

// takenBefore lets another host have the port that homeward has chosen, while it
// doesn't run and before anybody got a code.
func (p *patient) takenBefore() {
	p.start()
	if _, p.err = p.await(firstOpen, p.open); p.err != nil {
		return
	}
	_, port, _ := strings.Cut(p.lab.RouterRuleset(), "dnat ip to "+labnet.NAS4+":")
	port, _, _ = strings.Cut(port, "\n")
	p.hw.Signal(syscall.SIGTERM)
	<-p.hw.Done()
	p.lab.Laptop.Run("upnpc", "-m", "eth0", "-e", "laptop", "-a", labnet.Laptop4, port, port, "UDP")
}

// cutLine takes the router's line away for a while.
func (p *patient) cutLine() {
	p.lab.Router.Run("ip", "link", "set", "wan0", "down")
	p.unharmed = p.reached()
	time.Sleep(10 * time.Second)
	p.lab.Router.Run("ip", "link", "set", "wan0", "up")
	p.lab.Router.AddRoute("default", "81.2.69.1")
	p.from = time.Now()
}

// moveRouter gives the router another address in the LAN, as its owner does. It
// starts again then.
func (p *patient) moveRouter() {
	const moved = "192.168.77.254"
	p.lab.StopIGD(syscall.SIGTERM)
	p.lab.ForgetMappings()
	p.unharmed = p.reached()
	p.lab.Router.Run("ip", "addr", "del", labnet.RouterLAN+"/24", "dev", "lan0")
	p.lab.Router.Address("lan0", moved+"/24")
	p.lab.StartIGD()
	for _, h := range []*labnet.Host{p.lab.NAS, p.lab.Share} {
		h.Run("ip", "-4", "route", "replace", "default", "via", moved)
	}
	p.from = time.Now()
}

// reconnect gives the router another public address and loads its firewall anew. The
// phone calls the new address from then on, as one does that asks the DNS again.
func (p *patient) reconnect() {
	port, err := p.port()
	if p.err = err; err != nil {
		return
	}
	key, err := p.lab.Phone.Try("wg", "show", p.lab.ID, "peers")
	if p.err = err; err != nil {
		return
	}
	p.changeWAN()
	p.lab.FlushMappings()
	p.from = time.Now()
	_, p.err = p.lab.Phone.Try("wg", "set", p.lab.ID, "peer", strings.TrimSpace(key), "endpoint", newWAN+":"+port)
	p.unharmed = p.reached()
}

// killHomeward kills homeward and starts it.
func (p *patient) killHomeward() {
	p.hw.Signal(syscall.SIGKILL)
	<-p.hw.Done()
	p.unharmed = p.reached()
	p.start()
}

// pullCable cuts the NAS off for a while.
func (p *patient) pullCable() {
	p.lab.Router.Run("ip", "link", "set", "port10", "down")
	p.unharmed = p.reached()
	time.Sleep(5 * time.Second)
	p.lab.Router.Run("ip", "link", "set", "port10", "up")
	p.from = time.Now()
}

// stealPort lets another host have the port when the router comes back.
func (p *patient) stealPort() {
	var port string
	if port, p.err = p.port(); p.err != nil {
		return
	}
	p.lab.StopIGD(syscall.SIGTERM)
	p.lab.ForgetMappings()
	p.lab.NAS.Run("ip", "link", "set", "eth0", "down") // so that it is the second to ask
	p.lab.StartIGD()
	p.lab.Laptop.Run("upnpc", "-m", "eth0", "-e", "laptop", "-a", labnet.Laptop4, port, port, "UDP")
	p.lab.NAS.Run("ip", "link", "set", "eth0", "up")
	p.lab.NAS.AddRoute("default", labnet.RouterLAN)
	p.from = time.Now()
}

// port is the port that homeward listens on, as the phone knows it.
func (p *patient) port() (string, error) {
	out, err := p.do("peers", "config", "1")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "Endpoint = "); ok {
			e, err := netip.ParseAddrPort(at)
			return fmt.Sprint(e.Port()), err
		}
	}
	return "", errors.New("the phone's config has no endpoint")
}

// changeWAN gives the router another public address, and tells its program.
func (p *patient) changeWAN() {
	p.lab.Router.Run("ip", "addr", "del", labnet.RouterWAN+"/24", "dev", "wan0")
	p.lab.Router.Run("ip", "addr", "add", newWAN+"/24", "dev", "wan0")
	p.lab.Router.Run("ip", "route", "replace", "default", "via", "81.2.69.1")
	p.lab.SignalIGD(syscall.SIGUSR1)
	p.from = time.Now()
}

// moveNAS gives the NAS another address in the LAN.
func (p *patient) moveNAS() {
	p.lab.NAS.Run("ip", "addr", "del", labnet.NAS4+"/24", "dev", "eth0")
	p.unharmed = p.reached()
	p.lab.NAS.Address("eth0", "192.168.77.11/24")
	p.lab.NAS.AddRoute("default", labnet.RouterLAN)
	p.from = time.Now()
}

// deafTo makes the router hear nothing of a version of PCP; NAT-PMP is version 0.
func (p *patient) deafTo(version int) {
	p.lab.Router.Run("nft", "insert", "rule", "inet", "filter", "input", "udp", "dport", "5351", "@th,64,8", fmt.Sprint(version), "drop")
}

// phoneWithoutIPv4 takes IPv4 away from the phone's network.
func (p *patient) phoneWithoutIPv4() { p.lab.Phone.Run("ip", "-4", "addr", "flush", "dev", "eth0") }

// stranger is a device in the LAN that answers every search at once, and counts who
// falls for it.
func (p *patient) stranger() {
	var group *net.UDPConn
	if group, p.err = p.lab.Share.ListenMulticast("eth0", netip.MustParseAddrPort("239.255.255.250:1900")); p.err != nil {
		return
	}
	p.lab.Share.ServeHTTP(":8080", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.visits.Add(1)
		io.WriteString(w, "<root/>")
	}))
	go func() { // ends when the lab closes the socket
		buf := make([]byte, 2048)
		for {
			_, from, err := group.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			group.WriteToUDPAddrPort([]byte("HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:2\r\n"+
				"LOCATION: http://"+labnet.Share4+":8080/root.xml\r\nUSN: uuid:stranger\r\n\r\n"), from)
		}
	}()
}
