//go:build linux

package upnp

import (
	"syscall"
	"testing"
	"time"
)

// A router that was switched off and on has no openings, and gives their numbers anew.
func TestRealRouterThatRestartedIsAskedForItsOpeningAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		extra  []string
		only   string
		signal syscall.Signal
	}{
		"UPnP":                   {nil, "UPnP", syscall.SIGTERM},
		"UPnP, without goodbye":  {nil, "UPnP", syscall.SIGKILL},
		"UPnP on the same port":  {[]string{"http_port=5555"}, "UPnP", syscall.SIGTERM},
		"all on the same port":   {[]string{"http_port=5555", "enable_natpmp=yes"}, "", syscall.SIGTERM},
		"PCP, without UPnP":      {[]string{"enable_upnp=no", "enable_natpmp=yes"}, "", syscall.SIGKILL},
		"all, without a goodbye": {[]string{"enable_natpmp=yes"}, "", syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRealRouter(t, append(tt.extra, "ext_ifname6=wan0")...)
			r.with6(false)
			m := r.mapper(helperOnly + "=" + tt.only)
			m.awaitSix(Mapped, 15*time.Second)
			time.Sleep(firstCheck + 3*time.Second) // what is new is looked at soon; this is about what is not
			r.stop(tt.signal)
			r.lose()
			if n := r.pinholes(labNAS6); n != 0 {
				t.Fatalf("%d openings while the router is off", n)
			}
			time.Sleep(3 * time.Second)
			r.start()
			since := time.Now()
			if !poll(90*time.Second, func() bool { return r.pinholes(labNAS6) == 1 }) {
				m.end(syscall.SIGKILL)
				t.Fatalf("not opened again within a minute and a half:\n%s", m.stderr.String())
			}
			t.Logf("opened again after %v", time.Since(since).Round(time.Second))
		})
	}
}
