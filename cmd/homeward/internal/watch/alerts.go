package watch

import (
	"slices"
	"time"

	"homeward/peers/history"
	"homeward/web/api"
)

// steady is how long something must have failed to be worth an alert.
const steady = 30 * time.Second

// told are the joints that have events of their own, or that only say that
// nobody has called yet.
var told = []string{"router", "port", "ipv6", "outside"}

// alerts tells of joints that failed for a while, and once they no longer do.
func (w *Watcher) alerts(now time.Time) (news []history.Event) {
	for _, j := range w.cfg.Joints() {
		if slices.Contains(told, j.Key) {
			continue
		}
		if j.State != api.JointFailed {
			if w.alarmed[j.Key] {
				news = append(news, history.Event{Kind: history.AlertOver, Cause: j.Key})
			}
			delete(w.failed, j.Key)
			delete(w.alarmed, j.Key)
			continue
		}
		since, known := w.failed[j.Key]
		if !known {
			w.failed[j.Key] = now
			continue
		}
		if now.Sub(since) >= steady && !w.alarmed[j.Key] {
			w.alarmed[j.Key] = true
			news = append(news, history.Event{Kind: history.Alert, Cause: j.Key, Detail: j.Summary})
		}
	}
	return news
}
