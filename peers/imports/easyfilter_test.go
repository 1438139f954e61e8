package imports

import (
	"fmt"
	"strings"
	"testing"

	"homeward/peers"
)

// What wg-easy's firewall kept a device from is not opened by an import.
func TestWGEasysFirewallIsTakenOver(t *testing.T) {
	for name, c := range map[string]struct {
		off             bool
		rules, networks any // of the device
		usual           string
		want            peers.Access
		told            string
	}{
		"switched off":            {off: true, rules: `["192.168.1.5"]`, want: ""},
		"rules":                   {rules: `["192.168.1.5:443/tcp", "10.0.0.0/24", "[2001:db8::1]:53", "192.168.1.9:53/udp", "2001:db8:1::/48"]`, networks: `["0.0.0.0/0","::/0"]`, want: "192.168.1.5 tcp/443; 10.0.0.0/24; 2001:db8::1 tcp/53 udp/53; 192.168.1.9 udp/53; 2001:db8:1::/48", told: "and nothing else: "},
		"no rules but networks":   {networks: `["192.168.1.0/24"]`, usual: `["0.0.0.0/0","::/0"]`, want: "192.168.1.0/24", told: "192.168.1.0/24"},
		"no rules, no networks":   {usual: `["0.0.0.0/0", "::/0"]`, want: peers.AccessEverything},
		"empty rules":             {rules: `[]`, networks: nil, usual: `["192.168.7.0/24"]`, want: "192.168.7.0/24", told: "192.168.7.0/24"},
		"networks that are none":  {networks: `[]`, usual: `["0.0.0.0/0","::/0"]`, want: peers.AccessNothing, told: "nothing else: nothing"},
		"one family":              {rules: `["0.0.0.0/0"]`, want: "0.0.0.0/0", told: "0.0.0.0/0"},
		"a rule that is none":     {rules: `["192.168.1.5", "example.org:443"]`, want: "192.168.1.5", told: `the rule "example.org:443"`},
		"a protocol without port": {rules: `["192.168.1.5/tcp"]`, want: peers.AccessNothing, told: `the rule "192.168.1.5/tcp"`},
		"no list":                 {rules: `"all"`, want: peers.AccessNothing, told: "cannot be read"},
		"too many":                {rules: `["` + strings.Join(hosts(65), `","`) + `"]`, want: peers.AccessNothing, told: "more rules than"},
	} {
		t.Run(name, func(t *testing.T) {
			tables := easy15Tables()
			tables["interfaces_table"][0]["firewall_enabled"] = map[bool]int64{true: 0, false: 1}[c.off]
			tables["user_configs_table"][0]["default_allowed_ips"] = c.usual
			tables["clients_table"] = tables["clients_table"][1:]
			tables["clients_table"][0]["firewall_ips"], tables["clients_table"][0]["allowed_ips"] = c.rules, c.networks
			s, err := Easy15("wg-easy.db", tables)
			if err != nil {
				t.Fatal(err)
			}
			w, err := s.Check(nil, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := w.Devices[0].Access; got != canonical(t, c.want) {
				t.Errorf("it may reach %q, want %q", got, canonical(t, c.want))
			}
			if all := strings.Join(w.Told, "\n"); !strings.Contains(all, c.told) || c.told == "" && strings.Contains(all, "irewall") {
				t.Errorf("told:\n%s\nwant %q in it", all, c.told)
			}
		})
	}
}

// canonical is an access as homeward writes it.
func canonical(t *testing.T, a peers.Access) peers.Access {
	t.Helper()
	if a == "" {
		return ""
	}
	a, err := peers.ParseAccess(string(a))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// hosts are as many addresses.
func hosts(n int) (list []string) {
	for a := range n {
		list = append(list, fmt.Sprint("192.168.1.", a+1))
	}
	return list
}

// A server whose packets are disguised would be taken over with devices that can never
// connect; one that only sends junk before the handshake is WireGuard.
func TestADisguisedServerIsRefused(t *testing.T) {
	conf := func(more string) []byte {
		return []byte("[Interface]\nPrivateKey = AAgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM01o=\nListenPort = 51820\nAddress = 10.9.0.1/24\n" + more + "[Peer]\nPublicKey = " + keyA + "\nAllowedIPs = 10.9.0.2/32\n")
	}
	if s, err := Conf("wg0.conf", conf("Jc = 7\nJmin = 10\nJmax = 50\nS1 = 0\nS2 = 0\nH1 = 1\nH2 = 2\nH3 = 3\nH4 = 4\n")); err != nil || len(s.Devices) != 1 {
		t.Errorf("with junk only: %v", err)
	}
	for _, line := range []string{"S1 = 128", "S4 = 1", "H1 = 834729847", "H3 = 2"} {
		if _, err := Conf("wg0.conf", conf(line+"\n")); err == nil || !strings.Contains(err.Error(), "wg0.conf, line 5: "+strings.ToLower(line)+" disguises the packets (AmneziaWG)") {
			t.Errorf("%s: %v", line, err)
		}
	}
}
