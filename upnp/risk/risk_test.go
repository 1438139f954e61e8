package risk

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"homeward/upnp"
)

var (
	self  = netip.MustParseAddr("192.168.1.5")
	other = netip.MustParseAddr("192.168.1.23")
	house = House{Self: self, AdminPort: 8377, Absent: map[netip.Addr]bool{netip.MustParseAddr("192.168.1.99"): true}}
)

func entry(protocol string, external uint16, to string) upnp.Entry {
	return upnp.Entry{Protocol: protocol, External: external, Internal: netip.MustParseAddrPort(to), Enabled: true, Lease: time.Hour}
}

func TestWhatIsDangerousIsCalledSo(t *testing.T) {
	for _, c := range []struct {
		name  string
		entry upnp.Entry
		level Level
		says  string
	}{
		{"file sharing", entry("TCP", 445, "192.168.1.23:445"), Danger, "file sharing"},
		{"file sharing's names", entry("UDP", 137, "192.168.1.23:137"), Danger, "file sharing"},
		{"remote desktop", entry("TCP", 3389, "192.168.1.23:3389"), Danger, "Remote desktop"},
		{"remote desktop in disguise", entry("TCP", 50000, "192.168.1.23:3389"), Danger, "Remote desktop"},
		{"remote desktop's port, led elsewhere", entry("TCP", 3389, "192.168.1.23:40000"), Danger, "Remote desktop"},
		{"VNC", entry("TCP", 5900, "192.168.1.23:5900"), Danger, "VNC"},
		{"telnet", entry("TCP", 23, "192.168.1.23:23"), Danger, "Telnet"},
		{"FTP", entry("TCP", 21, "192.168.1.23:21"), Danger, "FTP"},
		{"SSH", entry("TCP", 22, "192.168.1.23:22"), Caution, "SSH"},
		{"MySQL", entry("TCP", 3306, "192.168.1.23:3306"), Danger, "database"},
		{"PostgreSQL", entry("TCP", 5432, "192.168.1.23:5432"), Danger, "database"},
		{"SQL Server", entry("TCP", 1433, "192.168.1.23:1433"), Danger, "database"},
		{"Redis", entry("TCP", 6379, "192.168.1.23:6379"), Danger, "database"},
		{"MongoDB", entry("TCP", 27017, "192.168.1.23:27017"), Danger, "database"},
		{"Elasticsearch", entry("TCP", 9200, "192.168.1.23:9200"), Danger, "database"},
		{"camera", entry("TCP", 554, "192.168.1.23:554"), Danger, "camera"},
		{"recorder", entry("TCP", 34567, "192.168.1.23:34567"), Danger, "camera"},
		{"another maker's recorder", entry("TCP", 37777, "192.168.1.23:37777"), Danger, "camera"},
		{"a maker's page and commands", entry("TCP", 8000, "192.168.1.23:8000"), Caution, "camera"},
		{"admin page", entry("TCP", 8443, "192.168.1.23:8443"), Caution, "web page"},
		{"a page by another number", entry("TCP", 40001, "192.168.1.23:80"), Caution, "web page"},
		{"NAS", entry("TCP", 5001, "192.168.1.23:5001"), Caution, "storage"},
		{"SNMP", entry("UDP", 161, "192.168.1.23:161"), Danger, "SNMP"},
		{"NFS", entry("TCP", 2049, "192.168.1.23:2049"), Danger, "NFS"},
		{"Docker", entry("TCP", 2375, "192.168.1.23:2375"), Danger, "Docker"},
		{"SIP", entry("UDP", 5060, "192.168.1.23:5060"), Caution, "SIP"},
		{"UPnP itself", entry("UDP", 1900, "192.168.1.1:1900"), Danger, "UPnP"},
		{"NAT-PMP itself", entry("UDP", 5351, "192.168.1.1:5351"), Danger, "UPnP"},
		{"maintenance", entry("TCP", 7547, "192.168.1.1:7547"), Danger, "TR-069"},
		{"homeward's page", entry("TCP", 8377, "192.168.1.5:8377"), Danger, "homeward's own page"},
		{"homeward's page in disguise", entry("TCP", 443, "192.168.1.5:8377"), Danger, "homeward's own page"},
		{"the same port of another machine", entry("TCP", 8377, "192.168.1.23:8377"), Fine, "No service"},
		{"everything", entry("TCP", 0, "192.168.1.23:0"), Danger, "All ports"},
		{"another VPN", entry("UDP", 1194, "192.168.1.23:1194"), Fine, "VPN"},
		{"a game", entry("UDP", 3074, "192.168.1.23:3074"), Fine, "game"},
		{"UDP is not TCP", entry("UDP", 3306, "192.168.1.23:3306"), Fine, "No service"},
		{"unknown", entry("TCP", 41999, "192.168.1.23:41999"), Fine, "No service"},
	} {
		got := Judge([]upnp.Entry{c.entry}, house)[0]
		if got[0].Level != c.level || !strings.Contains(got[0].Reason, c.says) || (got[0].Advice == "") != (c.says == "game") {
			t.Errorf("%s: %+v, want %v with %q", c.name, got, c.level, c.says)
		}
	}
}

func TestCircumstancesCountToo(t *testing.T) {
	ours := entry("UDP", 51820, "192.168.1.5:51820")
	ours.Ours = true
	off := entry("TCP", 3389, "192.168.1.23:3389")
	off.Enabled = false
	limited := entry("TCP", 3389, "192.168.1.23:3389")
	limited.Remote = "198.51.100.7"
	gone := entry("TCP", 41999, "192.168.1.99:41999")
	goneDesktop := entry("TCP", 3389, "192.168.1.99:3389")
	forever := entry("TCP", 41999, "192.168.1.23:41999")
	forever.Lease = 0
	nowhere := upnp.Entry{Protocol: "TCP", External: 41999, Enabled: true, Lease: time.Hour}
	for _, c := range []struct {
		name     string
		entry    upnp.Entry
		level    Level
		findings int
		says     string
	}{
		{"ours", ours, Fine, 1, "devices come home"},
		{"switched off", off, Fine, 1, "switched off"},
		{"for one caller", limited, Caution, 1, "Only 198.51.100.7"},
		{"to nobody", gone, Caution, 2, "Nobody answers at 192.168.1.99"},
		{"dangerous, to nobody", goneDesktop, Danger, 2, "Nobody answers at 192.168.1.99"},
		{"without end", forever, Fine, 2, "no end"},
		{"to nowhere", nowhere, Fine, 1, "No service"},
	} {
		got := Judge([]upnp.Entry{c.entry}, house)[0]
		if got[0].Level != c.level || len(got) != c.findings || !strings.Contains(fmt.Sprint(got), c.says) {
			t.Errorf("%s: %+v, want %v, %d findings with %q", c.name, got, c.level, c.findings, c.says)
		}
	}
}

func TestAWholeRangeIsSeen(t *testing.T) {
	var table []upnp.Entry
	for i := range uint16(rangeFrom) {
		table = append(table, upnp.Entry{Protocol: "UDP", External: 40000 + i, Internal: netip.AddrPortFrom(other, 40000+i), Enabled: true, Lease: time.Hour})
	}
	said := func(list [][]Finding) (n int) {
		for _, f := range list {
			if strings.Contains(fmt.Sprint(f), "ports in a row") {
				n++
			}
		}
		return n
	}
	mixed := append([]upnp.Entry{entry("UDP", 39999, "192.168.1.40:1"), entry("TCP", 40003, "192.168.1.23:1")}, table...)
	if got := Judge(mixed, house); said(got) != rangeFrom || got[2][0].Level != Caution || len(got[0]) != 1 || len(got[1]) != 1 {
		t.Errorf("%d of %d are called a range: %+v", said(got), rangeFrom, got)
	}
	if got := Judge(table[1:], house); said(got) != 0 {
		t.Error("a few ports are called a range")
	}
	table[3].External = 50000
	if got := Judge(table, house); said(got) != 0 {
		t.Error("ports with a gap are called a range")
	}
}

// Every row is a sentence for people, on ports that exist.
func TestEveryServiceIsWhole(t *testing.T) {
	for _, s := range services {
		if len(s.tcp)+len(s.udp) == 0 || !strings.HasSuffix(s.reason, ".") || !strings.HasSuffix(s.advice, ".") && (s.level != Fine || s.advice != "") {
			t.Errorf("%+v", s)
		}
		for _, r := range append(append([]span{}, s.tcp...), s.udp...) {
			if r.first == 0 || r.last < r.first {
				t.Errorf("%q: %v is no range of ports", s.reason, r)
			}
		}
	}
}
