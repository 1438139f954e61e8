package upnp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

const forwardDesc = testDesc + forwardMark

// web is a rule of an owner: TCP 8443 to a machine's 443.
func web() Forward {
	return Forward{ID: 1, Protocol: "TCP", External: 8443, To: netip.MustParseAddrPort("192.168.1.23:443")}
}

// forwarded waits until the forwards fit.
func forwarded(t *testing.T, m *Mapper, what string, fits func([]ForwardStatus) bool) []ForwardStatus {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if list := m.Forwards(); fits(list) {
			return list
		}
	}
	t.Fatalf("no %s; forwards %+v", what, m.Forwards())
	return nil
}

func allIn(state ForwardState) func([]ForwardStatus) bool {
	return func(list []ForwardStatus) bool {
		return len(list) > 0 && !slices.ContainsFunc(list, func(s ForwardStatus) bool { return s.State != state })
	}
}

// rowsOf are the router's rows as text, without our own port.
func rowsOf(r *routertest.Router) string {
	var list []string
	for _, e := range r.Entries() {
		if e.External != testPort {
			list = append(list, fmt.Sprintf("%s %d %s:%d %s", e.Protocol, e.External, e.Client, e.Internal, e.Description))
		}
	}
	return strings.Join(list, "; ")
}

// forwardRunning runs a mapper that has forwards from the beginning.
func forwardRunning(t *testing.T, c Config, list ...Forward) (m *Mapper, stop func()) {
	t.Helper()
	c.Port, c.Description = testPort, testDesc
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	m.SetForwards(list)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); m.Run(ctx) }()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return m, stop
}

func TestAnOwnersPortIsOpenedKeptAndTakenBack(t *testing.T) {
	for name, opt := range map[string]routertest.Options{
		"UPnP": {}, "IGD 1": {Version: 1}, "beside PCP": {PCP: true}, "beside NAT-PMP": {PMP: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := routertest.New(t, opt)
			m, stop := forwardRunning(t, against(r), web())
			s := forwarded(t, m, "open port", allIn(ForwardOpen))
			if s[0].ID != 1 || s[0].VerifiedAt.IsZero() || s[0].Foreign || s[0].Problem != "" {
				t.Errorf("%+v", s)
			}
			if got := rowsOf(r); got != "TCP 8443 192.168.1.23:443 "+forwardDesc {
				t.Errorf("the router has %s", got)
			}
			if e := r.Entries()[0]; e.External != 8443 || e.Lease == 0 {
				t.Errorf("%+v", e)
			}
			stop()
			if left := r.Entries(); len(left) != 0 {
				t.Errorf("left behind: %+v", left)
			}
		})
	}
}

func TestForwardsFollowTheOwnersWish(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	m, _ := forwardRunning(t, against(r))
	until(t, m, "mapping", verdict(Mapped))
	games := Forward{ID: 2, Protocol: "UDP", External: 27015, Count: 3, To: netip.MustParseAddrPort("192.168.1.30:27015")}
	m.SetForwards([]Forward{web(), games})
	forwarded(t, m, "range", allIn(ForwardOpen))
	if got := rowsOf(r); strings.Count(got, "192.168.1.30:270") != 3 || !strings.Contains(got, "UDP 27017 192.168.1.30:27017") {
		t.Errorf("the router has %s", got)
	}
	moved := web()
	moved.To = netip.MustParseAddrPort("192.168.1.24:8080")
	m.SetForwards([]Forward{moved})
	forwarded(t, m, "change", func(list []ForwardStatus) bool {
		return allIn(ForwardOpen)(list) && rowsOf(r) == "TCP 8443 192.168.1.24:8080 "+forwardDesc
	})
	m.SetForwards(nil)
	forwarded(t, m, "end", func(list []ForwardStatus) bool { return len(list) == 0 && rowsOf(r) == "" })
}

func TestAForwardNeverTakesWhatIsSomebodyElses(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: 8443, Internal: 1, Protocol: "TCP", Client: "192.168.1.40", Description: "old nas"})
	m, stop := forwardRunning(t, against(r), web())
	s := forwarded(t, m, "refusal", allIn(ForwardTaken))
	if !strings.Contains(s[0].Problem, "192.168.1.40 (“old nas”)") {
		t.Errorf("%+v", s)
	}
	if r.Calls("DeletePortMapping") != 0 {
		t.Error("somebody else's entry was removed")
	}
	stop()
	if got := rowsOf(r); got != "TCP 8443 192.168.1.40:1 old nas" {
		t.Errorf("the router has %s", got)
	}
}

// What leads where it should is good, whoever made it; and it stays.
func TestAForwardThatIsThereAlreadyIsLeftAlone(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: 8443, Internal: 443, Protocol: "TCP", Client: "192.168.1.23", Description: "by hand"})
	m, stop := forwardRunning(t, against(r), web())
	if s := forwarded(t, m, "entry", allIn(ForwardOpen)); !s[0].Foreign {
		t.Errorf("%+v", s)
	}
	m.SetForwards(nil)
	forwarded(t, m, "end", func(list []ForwardStatus) bool { return len(list) == 0 })
	stop()
	if got := rowsOf(r); got != "TCP 8443 192.168.1.23:443 by hand" {
		t.Errorf("the router has %s", got)
	}
}

// In secure mode IGD 2 says 606; IGD 1 says 718 though nobody has the port.
func TestSecureModeIsSaidPlainly(t *testing.T) {
	for _, code := range []int{606, 718} {
		r := routertest.New(t, routertest.Options{Manufacturer: "ASUSTeK", Model: "RT-AX88U"})
		r.Always("AddPortMapping", func(args map[string]string) routertest.Reply {
			if args["NewInternalClient"] != "127.0.0.1" {
				return routertest.Reply{Fault: code}
			}
			return routertest.Reply{}
		})
		m, _ := forwardRunning(t, against(r), web())
		s := forwarded(t, m, "refusal", allIn(ForwardRefused))
		for _, part := range []string{"secure mode", "192.168.1.23", "by hand", "WAN > Virtual Server"} {
			if !strings.Contains(s[0].Problem, part) {
				t.Errorf("%d: %q is missing in %q", code, part, s[0].Problem)
			}
		}
		if m.Status().Verdict != Mapped {
			t.Errorf("%d: our own port is %v", code, m.Status().Verdict)
		}
	}
}

func TestForwardsComeBackAfterARestartOfTheRouter(t *testing.T) {
	r := routertest.New(t, routertest.Options{PCP: true})
	m, _ := forwardRunning(t, against(r), web())
	forwarded(t, m, "open port", allIn(ForwardOpen))
	r.Restart()
	if rowsOf(r) != "" {
		t.Fatal("the router forgot nothing")
	}
	// Ask at once, as the next look at the router would.
	if err := m.do(t.Context(), func(_ context.Context, k *keeper) { k.lost(answer{outcome: moved}) }); err != nil {
		t.Fatal(err)
	}
	forwarded(t, m, "entry after the restart", func([]ForwardStatus) bool { return rowsOf(r) != "" })
}

func TestForwardsOfAnEarlierRunAreSweptWhenNobodyWantsThem(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Put(routertest.Entry{External: 8443, Internal: 443, Protocol: "TCP", Client: "192.168.1.23", Description: forwardDesc})
	r.Put(routertest.Entry{External: 9000, Internal: 9000, Protocol: "TCP", Client: "192.168.1.24", Description: forwardDesc})
	r.Put(routertest.Entry{External: 9001, Internal: 9001, Protocol: "TCP", Client: "192.168.1.24", Description: "homeward-99999999-open"})
	m, _ := forwardRunning(t, against(r), web())
	forwarded(t, m, "open port", allIn(ForwardOpen))
	if got := rowsOf(r); got != "TCP 8443 192.168.1.23:443 "+forwardDesc+"; TCP 9001 192.168.1.24:9001 homeward-99999999-open" {
		t.Errorf("the router has %s", got)
	}
}

func TestOurOwnPortIsNoForward(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	m, _ := forwardRunning(t, against(r), Forward{ID: 1, Protocol: "UDP", External: testPort, To: netip.MustParseAddrPort("192.168.1.23:1")})
	s := forwarded(t, m, "refusal", allIn(ForwardTaken))
	if !strings.Contains(s[0].Problem, "devices come home") || m.Status().Verdict != Mapped {
		t.Errorf("%+v, %v", s, m.Status().Verdict)
	}
}

func TestWithoutUPnPAForwardWaitsAndSaysWhy(t *testing.T) {
	r := routertest.New(t, routertest.Options{PCP: true, NoUPnP: true})
	m, _ := forwardRunning(t, against(r), web())
	forwarded(t, m, "reason", func(list []ForwardStatus) bool {
		return list[0].State == ForwardWaiting && strings.Contains(list[0].Problem, "UPnP has to be on")
	})
}

func TestAKeptEntryIsToldAndNotClosed(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	m, _ := forwardRunning(t, against(r), web())
	forwarded(t, m, "open port", allIn(ForwardOpen))
	table, err := m.Table(t.Context())
	if err != nil || !table.Entries[0].Kept || table.Entries[0].Ours || table.Entries[1].Kept {
		t.Errorf("%+v, %v", table, err)
	}
	if err := m.Close(t.Context(), "TCP", 8443); !errors.Is(err, ErrKeptEntry) {
		t.Errorf("%v", err)
	}
}

func TestForwardsAreAskedForWithTheLeaseThatTheRouterWants(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Always("AddPortMapping", leaseIs("0", 725))
	m, stop := forwardRunning(t, against(r), web())
	forwarded(t, m, "open port", allIn(ForwardOpen))
	stop()
	if left := r.Entries(); len(left) != 0 {
		t.Errorf("left behind: %+v", left)
	}
}

// The yes of a router counts for nothing: its table does.
func TestARouterThatLiesAboutAForwardIsNotBelieved(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	r.Always("AddPortMapping", func(args map[string]string) routertest.Reply {
		return routertest.Reply{Lie: args["NewExternalPort"] == "8443"}
	})
	m, _ := forwardRunning(t, against(r), web())
	s := forwarded(t, m, "verdict", allIn(ForwardFailed))
	if !strings.Contains(s[0].Problem, "keeps no such entry") {
		t.Errorf("%+v", s)
	}
}

func TestOfSeveralPortsTheWorstCounts(t *testing.T) {
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	got := forwardStatuses([]slot{
		{id: 1, wanted: true, state: ForwardOpen, verifiedAt: late},
		{id: 1, wanted: true, state: ForwardRefused, problem: "no", verifiedAt: early},
		{id: 1, wanted: true, state: ForwardWaiting, problem: "later", verifiedAt: late, foreign: true},
		{id: 2, wanted: true, state: ForwardOpen, verifiedAt: late},
		{id: 3, asked: true, state: ForwardFailed},
	})
	want := []ForwardStatus{{ID: 1, State: ForwardRefused, Problem: "no", VerifiedAt: early, Foreign: true}, {ID: 2, State: ForwardOpen, VerifiedAt: late}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
