//go:build linux

package e2e

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"homeward/configs/state"
	"homeward/scripts/labnet"
)

// livePast gives a device a month behind it, and starts homeward again.
func (h *homeward) livePast(rootless bool, peer int) {
	h.t.Helper()
	h.stop()
	st, err := state.Open(h.t.Context(), h.state(), slog.New(slog.DiscardHandler))
	if err != nil {
		h.t.Fatal(err)
	}
	do := func(query string, args ...any) {
		h.t.Helper()
		if _, err := st.DB().Exec(query, args...); err != nil {
			h.t.Fatal(err)
		}
	}
	now := time.Now()
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.Local)
	for i := range 30 {
		n := int64(i*i%17+i%5) << 20
		do(`INSERT INTO peer_traffic VALUES (300, ?, ?, ?, ?), (3600, ?, ?, ?, ?), (86400, ?, ?, ?, ?)`,
			now.Unix()/300*300-int64(i)*300, peer, n/9, n/2, now.Unix()/3600*3600-int64(i)*3600, peer, n*2, n*7, day.AddDate(0, 0, -i).Unix(), peer, n*9, n*50)
	}
	do(`INSERT OR IGNORE INTO peers_with_traffic VALUES (?)`, peer)
	for i := range 3 {
		at := now.Add(-time.Duration(i*7) * time.Hour).Unix()
		do(`INSERT INTO peer_sessions VALUES (?, ?, ?, ?, ?)`, peer, at-1800, at, []string{"203.0.113.0/24", "2001:db8:1::/48", "192.168.1.0/24"}[i], i/2)
	}
	do(`INSERT INTO events SELECT max(id) + 1, ?, ?, 12, 'device-refused', ?, '', '', 'disabled', '203.0.113.0/24', '' FROM events`, now.Unix()-60, now.Unix(), peer)
	do(`INSERT INTO events SELECT max(id) + 1, ?, ?, 1, 'alert', 0, '', '', 'device', '', 'The tunnel is down.' FROM events`, now.Unix(), now.Unix())
	if err := st.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.Process = h.lab.NAS.Start(h.lab.NAS.CommandAs(context.Background(), rootless, h.dir, h.bin, "serve", "--state", h.state(), "--config", os.DevNull))
	labnet.Eventually(h.t, 15*time.Second, "homeward is back, and the router has told the address", func() bool {
		out, err := h.do("status")
		return err == nil && strings.Contains(out, "Devices call")
	})
}

func TestAnOpenLogHearsWhatHappens(t *testing.T) {
	h, page := startPage(t)
	page.claim(h.setupLink())
	base, err := chromedp.Run(page.ctx, chromedp.Evaluate[string]("location.origin"))
	if err != nil {
		t.Fatal(err)
	}
	page.do("opening the log", chromedp.Navigate(base+"/log"), chromedp.WaitVisible("[data-log] li"))
	if out, err := h.do("peers", "add", "Anna's phone"); err != nil {
		t.Fatal(out)
	}
	page.waitText("[data-log]", "Was added")
}
