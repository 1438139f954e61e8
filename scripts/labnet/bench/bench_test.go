//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"homeward/scripts/labnet"
)

// The loads run this program anew, on the client.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == loadCommand {
		exit(runLoad(os.Args[2:]))
		return
	}
	os.Exit(m.Run())
}

func TestEveryKindOfServerIsMeasured(t *testing.T) {
	labnet.Bare(t) // or skip
	t.Chdir("../../..")
	s := settings{rounds: 1, duration: time.Second, servers: allServers, loads: []string{"down4"}, families: []bool{false}, profiles: t.TempDir()}
	var out table
	if err := labnet.Outside(func(lt labnet.T) error { return s.measure(lt, &out) }); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	out.print(&text, &s)
	for _, r := range out.rows {
		if v, ok := r.median("down4 Gb/s"); !ok || v <= 0 {
			t.Errorf("%s: no rate in\n%s", r.name, &text)
		}
		if v, ok := r.median("peak MiB"); r.name != "kernel" && (!ok || v <= 1) {
			t.Errorf("%s: no memory in\n%s", r.name, &text)
		}
	}
	for _, kind := range []string{"cpu", "heap"} {
		if f, err := os.Stat(filepath.Join(s.profiles, "netstack-down4."+kind)); err != nil || f.Size() == 0 {
			t.Errorf("no profile: %v", err)
		}
	}
}

// What is not a rate of TCP, in the family that the test above leaves out.
func TestTheOtherLoadsAreMeasured(t *testing.T) {
	labnet.Bare(t) // or skip
	t.Chdir("../../..")
	s := settings{rounds: 1, duration: time.Second, servers: []string{"netstack"}, loads: []string{"rtt", "rttload", "udp", "conn", "junk"}, families: []bool{true}}
	var out table
	if err := labnet.Outside(func(lt labnet.T) error { return s.measure(lt, &out) }); err != nil {
		t.Fatal(err)
	}
	r := out.of("netstack", true)
	for _, column := range []string{"rtt µs", "rtt under load µs", "udp Gb/s", "conn/s", "junk rtt µs", "junk packets/s", "junk peak MiB", "conn peak MiB"} {
		if v, ok := r.median(column); !ok || v <= 0 {
			t.Errorf("there is no %s", column)
		}
	}
	if v, _ := r.median("junk rtt µs"); v >= float64(lost.Microseconds()) {
		t.Error("under junk most packets of the client are lost")
	}
}

// What looked like a tunnel that carries nothing.
func TestARoundThatIperfRefusedIsNoRate(t *testing.T) {
	const busy = `{"start": {"connected": []}, "intervals": [], "end": {}, "error": "the server is busy running a test. try again later"}`
	if err := readError([]byte(busy)); !errors.As(err, new(iperfError)) {
		t.Errorf("it passes for a result: %v", err)
	}
	if got, err := readArrived([]byte(`{"end": {}}`)); err == nil {
		t.Errorf("%+v without any result", got)
	}
	const fine = `{"end": {"sum_received": {"bytes": 1000, "bits_per_second": 8000}}}`
	if got, err := readArrived([]byte(fine)); err != nil || readError([]byte(fine)) != nil || got.Rate != 8000 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheSearchFindsTheGreatestRate(t *testing.T) {
	got, err := search(100, func(rate float64) (bool, error) { return rate <= 71, nil })
	if err != nil || got > 71 || got < 69 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestQuickGivesWayToWhatIsSaid(t *testing.T) {
	s, err := parse([]string{"-quick", "-rounds", "2", "-loads", "junk", "-ip", "both"})
	if err != nil {
		t.Fatal(err)
	}
	if s.rounds != 2 || s.duration != time.Second || strings.Join(s.servers, ",") != quickServers || strings.Join(s.loads, ",") != "junk" || len(s.families) != 2 {
		t.Errorf("%+v", s)
	}
	if s, err = parse([]string{"-beside", "x=/a", "-beside", "y=/b", "-servers", "tun@x,netstack@y"}); err != nil || s.beside["y"] != "/b" {
		t.Errorf("%v, %+v", err, s)
	}
	for _, wrong := range [][]string{{"-ip", "5"}, {"-time", "1500ms"}, {"-rounds", "0"}, {"-servers", "x"}, {"-servers", "tun@x"}, {"-beside", "x"}, {"-beside", "x=y", "-servers", "R@x"}, {"-loads", "x"}, {"word"}} {
		if _, err := parse(wrong); err == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}

func TestTheTableHasMediansBoundsAndRatios(t *testing.T) {
	var tab table
	for _, v := range []float64{3, 1, 2} {
		tab.of("R", false).add("x", v)
		tab.of("tun", false).add("x", 2*v)
		tab.of("R", true).add("x", 2*v)
		tab.of("tun", true).add("x", 3*v)
	}
	tab.of("tun", false).add("only here", 1)
	for _, k := range []struct {
		server string
		ipv6   bool
		want   string
	}{
		{"R", false, "2 (1–3)"}, {"tun", false, "4 (2–6) 2.00×"}, {"R", true, "4 (2–6) 2.00÷4"}, {"tun", true, "6 (3–9) 1.50× 1.50÷4"},
	} {
		if got := tab.cell(tab.of(k.server, k.ipv6), "x"); got != k.want {
			t.Errorf("%s: %q, want %q", rowName(k.server, k.ipv6), got, k.want)
		}
	}
	// A machine that was slow for one round: the ratio of the medians would say 1.
	var slow table
	for _, v := range []float64{10, 10, 2} {
		slow.of("R", false).add("x", v)
	}
	for _, v := range []float64{20, 10, 4} {
		slow.of("tun", false).add("x", v)
	}
	if got := slow.cell(slow.of("tun", false), "x"); got != "10 (4–20) 2.00×" {
		t.Errorf("in rounds of their own speed: %q", got)
	}
	if got := tab.cell(tab.of("R", false), "only here"); got != "–" {
		t.Errorf("a figure that is not there: %q", got)
	}
}
