package main

import (
	"bytes"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/cmd/homeward/internal/dnsname"
	"homeward/peers"
	"homeward/tunnel"
	"homeward/upnp"
	"homeward/upnp/ddns"
	"homeward/web/api"
)

// The port mapper is off in here: without an address nothing is ever published.
func TestTheDNSNameIsChosenByCommandsAndItsSecretIsNeverShown(t *testing.T) {
	const token = "a-token-of-the-account"
	dir := newDir(t, "")
	stop, _ := start(t, dir)
	do := func(wantCode int, says, typed string, args ...string) {
		t.Helper()
		var out bytes.Buffer
		tty := terminal{in: strings.NewReader(typed), out: &out, err: &out, env: func(k string) (string, bool) { return filepath.Join(dir, "state"), k == "HOMEWARD_STATE" }}
		code := run(t.Context(), append(args, "--config", operatorsFile(dir)), tty)
		if code != wantCode || !strings.Contains(out.String(), says) || strings.Contains(out.String(), token) {
			t.Errorf("%q: exit code %d, want %d; said %q, want %q in it", args, code, wantCode, &out, says)
		}
	}
	do(exitOK, "has no DNS name", "", "dns", "show")
	do(exitOK, "duckdns", "", "dns", "providers")
	do(exitUsage, "the provider and the name", "", "dns", "set", "duckdns")
	do(exitFailed, "token is missing", "", "dns", "set", "duckdns", "home.duckdns.org")
	do(exitFailed, "must end in .duckdns.org", token, "dns", "set", "duckdns", "home.example.org")
	do(exitFailed, `provider "bogus" is not known`, token, "dns", "set", "bogus", "home.example.org")
	do(exitOK, "home.duckdns.org waits for a public address", token+"\n", "dns", "set", "duckdns", "Home.duckdns.org")
	do(exitFailed, "enter it again", "", "dns", "set", "desec", "home.dedyn.io")
	do(exitOK, "other.duckdns.org", "", "dns", "set", "duckdns", "other.duckdns.org") // with the token of before
	if code, errs := stop(); code != exitOK || strings.Contains(errs, token) {
		t.Errorf("serve ended with %d: %s", code, errs)
	}
	start(t, dir)
	do(exitOK, `"name": "other.duckdns.org"`, "", "dns", "show", "--json")
	do(exitOK, "not kept up to date any more", "", "dns", "remove")
	do(exitOK, "has no DNS name", "", "dns", "show")
}

// named is what the keeper tells of a name in a state.
func named(ready bool, keeping ddns.Status) dnsname.Status {
	keeping.Provider = ddns.DuckDNS
	return dnsname.Status{Chosen: true, Ready: ready, Settings: dnsname.Settings{Provider: ddns.DuckDNS, Name: "home.duckdns.org"}, Keeping: keeping}
}

func TestCodesHaveTheNameOnceItWasSeen(t *testing.T) {
	wan := netip.MustParseAddr("81.2.69.2")
	mapped := upnp.Status{Verdict: upnp.Mapped, WAN: wan, Mapping: &upnp.Mapping{External: netip.AddrPortFrom(wan, 5)}}
	noAddress := upnp.Status{Verdict: upnp.Mapped, Mapping: &upnp.Mapping{External: netip.AddrPortFrom(netip.Addr{}, 5)}}
	six := upnp.Status{Verdict: upnp.IPv6Only, WAN: wan, IPv6: upnp.Pinhole{Verdict: upnp.Mapped, Address: netip.MustParseAddrPort("[2a02:810:1:2::10]:7")}}
	if v4, v6, only6 := nameTells(six); v4.IsValid() || v6 != six.IPv6.Address.Addr() || !only6 {
		t.Errorf("only IPv6: the name tells %v and %v", v4, v6)
	}
	both := mapped
	both.IPv6 = six.IPv6
	if v4, v6, only6 := nameTells(both); v4 != wan || v6.IsValid() || only6 {
		t.Errorf("both: the name tells %v and %v", v4, v6)
	}
	for _, c := range []struct {
		about  string
		name   dnsname.Status
		router upnp.Status
		want   string
		state  api.JointState
		says   string
	}{
		{"no name", dnsname.Status{}, mapped, "81.2.69.2:5", api.JointWorking, "as the router told"},
		{"not seen yet", named(false, ddns.Status{State: ddns.Published}), mapped, "81.2.69.2:5", api.JointAttention, "not seen to lead here"},
		{"seen", named(true, ddns.Status{State: ddns.Verified}), mapped, "home.duckdns.org:5", api.JointWorking, "say that it leads here"},
		{"seen once, lagging", named(true, ddns.Status{State: ddns.Pending}), mapped, "home.duckdns.org:5", api.JointWorking, "a name at DuckDNS"},
		{"seen once, refused now", named(true, ddns.Status{State: ddns.Stopped, Problem: "DuckDNS refused the credentials", Advice: "make a new token"}), mapped, "home.duckdns.org:5", api.JointAttention, "refused the credentials"},
		{"the router does not tell its address", named(true, ddns.Status{}), noAddress, "home.duckdns.org:5", api.JointWorking, "home.duckdns.org"},
		{"only IPv6", named(true, ddns.Status{}), six, "home.duckdns.org:7", api.JointAttention, "home.duckdns.org"},
		{"no mapping", named(true, ddns.Status{}), upnp.Status{Verdict: upnp.NoIGD}, "", api.JointFailed, "not known"},
		{"settings that cannot be read", dnsname.Status{Problem: "a sealed value cannot be opened"}, mapped, "81.2.69.2:5", api.JointAttention, "not kept up to date"},
	} {
		e := endpointFor(nil, c.name, c.router)
		got := ""
		if e != nil {
			got = e.String()
		}
		if got != c.want {
			t.Errorf("%s: codes have %q, want %q", c.about, got, c.want)
		}
		if warned := e != nil && len(e.Warnings) > 0; warned != (c.want == "81.2.69.2:5" && c.name.Chosen || c.router.Verdict == upnp.IPv6Only) {
			t.Errorf("%s: warned = %t", c.about, warned)
		}
		for _, j := range wayHome(tunnel.Status{Up: true}, c.router, c.name, e, nil, nil, nil, time.Now()) {
			if j.Key == "address" && (j.State != c.state || !strings.Contains(j.Summary, c.says)) {
				t.Errorf("%s: %s %q, want %s and %q", c.about, j.State, j.Summary, c.state, c.says)
			}
		}
	}
	own, err := peers.ParseEndpoint("own.example.org:7", 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range wayHome(tunnel.Status{Up: true}, mapped, named(false, ddns.Status{}), &own, nil, nil, nil, time.Now()) {
		if j.Key == "address" && j.State != api.JointWorking {
			t.Errorf("the operator's endpoint: %+v", j)
		}
	}
}
