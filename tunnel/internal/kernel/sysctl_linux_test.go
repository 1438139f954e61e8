package kernel

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// fakeSysctls is a host with an uplink that learns its route from a router.
func fakeSysctls(t *testing.T) sysctls {
	t.Helper()
	s := sysctls(t.TempDir())
	for key, value := range map[string]string{
		"kernel/random/boot_id":              "boot 1",
		"net/ipv4/ip_forward":                "0",
		"net/ipv4/conf/all/accept_redirects": "1",
		"net/ipv4/conf/all/forwarding":       "0",
		"net/ipv4/conf/eth0/forwarding":      "0",
		"net/ipv4/conf/eth1/forwarding":      "0",
		"net/ipv6/conf/all/forwarding":       "0",
		"net/ipv6/conf/all/accept_ra":        "1",
		"net/ipv6/conf/default/accept_ra":    "1",
		"net/ipv6/conf/default/forwarding":   "0",
		"net/ipv6/conf/eth0/accept_ra":       "1",
		"net/ipv6/conf/eth0/forwarding":      "0",
		"net/ipv6/conf/eth1/accept_ra":       "0", // NetworkManager does it
		"net/ipv6/conf/eth1/forwarding":      "0",
		"net/ipv6/conf/lo/accept_ra":         "1",
		"net/ipv6/conf/lo/forwarding":        "0",
	} {
		if err := os.MkdirAll(filepath.Dir(s.path(key)), 0o755); err != nil {
			t.Fatal(err)
		}
		put(t, s, key, value)
	}
	return s
}

func put(t *testing.T, s sysctls, key, value string) {
	t.Helper()
	if err := os.WriteFile(s.path(key), []byte(value+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func keys(j journal) []string {
	var out []string
	for _, c := range j.Changes {
		out = append(out, c.Key+" "+c.Before+" to "+c.After)
	}
	return out
}

func TestPlan(t *testing.T) {
	v4 := "net/ipv4/ip_forward 0 to 1"
	v6 := []string{"net/ipv6/conf/default/accept_ra 1 to 2", "net/ipv6/conf/eth0/accept_ra 1 to 2", "net/ipv6/conf/all/forwarding 0 to 1"}
	for _, c := range []struct {
		name string
		host map[string]string
		want []string
	}{
		{"nothing forwards", nil, append([]string{v4}, v6...)},
		{"IPv4 does", map[string]string{forward4: "1"}, v6},
		{"IPv6 does, and its accept_ra is the operator's business", map[string]string{forward6: "1"}, []string{v4}},
		{"both do", map[string]string{forward4: "1", forward6: "1"}, nil},
		{"one interface does, so that it does not listen to routers", map[string]string{"net/ipv6/conf/eth0/forwarding": "1"}, []string{v4, v6[0], v6[2]}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fakeSysctls(t)
			for k, v := range c.host {
				put(t, s, k, v)
			}
			j, err := s.plan("homeward0")
			if err != nil {
				t.Fatal(err)
			}
			if got := keys(j); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
	t.Run("no IPv6 in the kernel", func(t *testing.T) {
		s := fakeSysctls(t)
		os.RemoveAll(s.path("net/ipv6"))
		j, err := s.plan("homeward0")
		if got := keys(j); err != nil || !reflect.DeepEqual(got, []string{v4}) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestRestore(t *testing.T) {
	for _, c := range []struct {
		name    string
		between map[string]string // what happens while it is changed
		want    map[string]string
	}{
		{"all", nil, map[string]string{forward4: "0", forward6: "0", "net/ipv6/conf/eth0/accept_ra": "1"}},
		{"not what somebody changed", map[string]string{"net/ipv6/conf/eth0/accept_ra": "0"}, map[string]string{forward4: "0", "net/ipv6/conf/eth0/accept_ra": "0"}},
		{"what the kernel changed along", map[string]string{"net/ipv4/conf/all/accept_redirects": "0"}, map[string]string{"net/ipv4/conf/all/accept_redirects": "1"}},
		{"nothing after a boot", map[string]string{"kernel/random/boot_id": "boot 2"}, map[string]string{forward4: "1", forward6: "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fakeSysctls(t)
			j, err := s.plan("homeward0")
			if err != nil {
				t.Fatal(err)
			}
			// As a later run would do it.
			path := filepath.Join(t.TempDir(), "journal.json")
			if err := j.save(path); err != nil {
				t.Fatal(err)
			}
			if err := s.apply(j); err != nil {
				t.Fatal(err)
			}
			for k, v := range c.between {
				put(t, s, k, v)
			}
			again, ok, err := loadJournal(path)
			if err != nil || !ok || !reflect.DeepEqual(again, j) {
				t.Fatalf("the journal came back as %+v, %t, %v", again, ok, err)
			}
			if err := s.restore(again); err != nil {
				t.Fatal(err)
			}
			for k, want := range c.want {
				if got, _ := s.read(k); got != want {
					t.Errorf("%s = %s, want %s", k, got, want)
				}
			}
		})
	}
}

func TestJournalOfOthersIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := journalPath(dir, "homeward0")
	if _, ok, err := loadJournal(path); ok || err != nil {
		t.Errorf("none: %t, %v", ok, err)
	}
	for content, want := range map[string]string{
		"":              "delete it",
		"{":             "delete it",
		`{"version":2}`: "another version",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := undoJournal(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: err = %v", content, err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestALaterPlanKeepsHowItWasAtFirst(t *testing.T) {
	s := fakeSysctls(t)
	put(t, s, forward4, "1") // the operator's
	first, err := s.plan("homeward0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.apply(first); err != nil {
		t.Fatal(err)
	}
	// Another program switches both off, and makes the uplink as it was.
	for key, value := range map[string]string{forward4: "0", forward6: "0", "net/ipv6/conf/eth0/accept_ra": "1"} {
		put(t, s, key, value)
	}
	second, err := s.plan("homeward0")
	if err != nil {
		t.Fatal(err)
	}
	both := first.with(second)
	if got, want := keys(both), append(keys(first), "net/ipv4/ip_forward 0 to 1"); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if err := s.apply(second); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.read("net/ipv6/conf/eth0/accept_ra"); got != "2" {
		t.Errorf("accept_ra = %s: the box would lose its own default route", got)
	}
	if err := s.restore(both); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{forward4, forward6} {
		if got, _ := s.read(key); got != "0" {
			t.Errorf("%s = %s at the end, want it as the other program wanted it", key, got)
		}
	}
}

// The fake has no kernel behind it that turns the single switches along.
func turnAll(t *testing.T, s sysctls) {
	t.Helper()
	for _, family := range []string{"ipv4", "ipv6"} {
		for _, name := range append(s.interfaces(family), "homeward0") {
			key := "net/" + family + "/conf/" + name + "/forwarding"
			if err := os.MkdirAll(filepath.Dir(s.path(key)), 0o755); err != nil {
				t.Fatal(err)
			}
			put(t, s, key, "1")
		}
	}
}

func TestSwitchesOfSingleInterfacesAreLookedAfter(t *testing.T) {
	own, up := "net/ipv4/conf/homeward0/forwarding", "net/ipv4/conf/eth0/forwarding"
	for _, c := range []struct {
		name   string
		before map[string]string // we come
		after  map[string]string // another program does
		want   []string
	}{
		{"nothing happens", nil, nil, nil},
		{"the uplink's is off", nil, map[string]string{up: "0"}, []string{up + " 0 to 1"}},
		{"the tunnel's is off", nil, map[string]string{own: "0"}, []string{own + " 0 to 1"}},
		{"another one's is the owner's business", nil, map[string]string{"net/ipv4/conf/eth1/forwarding": "0"}, nil},
		{"all are off, which is another plan's", nil, map[string]string{forward4: "0", up: "0", own: "0"}, nil},
		{"the uplink no longer listens to its router", nil, map[string]string{"net/ipv6/conf/eth0/accept_ra": "1"}, []string{"net/ipv6/conf/eth0/accept_ra 1 to 2"}},
		{"a network manager listens for it", nil, map[string]string{"net/ipv6/conf/eth0/accept_ra": "0"}, nil},
		{"it is no router by itself", nil, map[string]string{"net/ipv6/conf/eth0/accept_ra": "1", "net/ipv6/conf/eth0/forwarding": "0"}, nil},
		{"it was one before", map[string]string{"net/ipv6/conf/eth0/forwarding": "1"}, map[string]string{"net/ipv6/conf/eth0/accept_ra": "1"}, nil},
		{"the whole host was one before", map[string]string{forward6: "1"}, map[string]string{"net/ipv6/conf/eth0/accept_ra": "1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fakeSysctls(t)
			for k, v := range c.before {
				put(t, s, k, v)
			}
			ours, err := s.plan("homeward0")
			if err != nil {
				t.Fatal(err)
			}
			if err := s.apply(ours); err != nil {
				t.Fatal(err)
			}
			turnAll(t, s)
			for k, v := range c.after {
				put(t, s, k, v)
			}
			got := journal{Changes: s.planInterfaces("homeward0", []string{"eth0"}, ours)}
			if !reflect.DeepEqual(keys(got), c.want) {
				t.Errorf("got  %q\nwant %q", keys(got), c.want)
			}
			if err := s.apply(got); err != nil {
				t.Fatal(err)
			}
			if again := s.planInterfaces("homeward0", []string{"eth0"}, ours); len(again) > 0 {
				t.Errorf("once more: %q", again)
			}
		})
	}
}
