package peers

import (
	"slices"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// maxFormer bounds the keys that are remembered although nobody comes in by them.
const maxFormer = 256

// Former is a key by which a device came in, or could have, and no longer does.
type Former struct {
	PublicKey wgtypes.Key
	ID        ID   // of the device; it is still there if its code was replaced
	Name      Name // as it was then
	Ended     time.Time
}

// formerKeys remembers the latest keys that ended, in memory only: it is for
// people who wonder why a device does not come in.
type formerKeys struct {
	mu   sync.Mutex // guards list
	list []Former   // the oldest first
}

// add remembers keys of p. Those that are none are left out.
func (f *formerKeys) add(p Peer, now time.Time, keys ...wgtypes.Key) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range keys {
		if k != (wgtypes.Key{}) {
			f.list = append(f.list, Former{k, p.ID, p.Name, now})
		}
	}
	if over := len(f.list) - maxFormer; over > 0 {
		f.list = slices.Delete(f.list, 0, over)
	}
}

// Former says whose a key was that has ended, of the latest ones.
func (m *Manager) Former(key wgtypes.Key) (Former, bool) {
	m.former.mu.Lock()
	defer m.former.mu.Unlock()
	for _, k := range slices.Backward(m.former.list) {
		if k.PublicKey == key {
			return k, true
		}
	}
	return Former{}, false
}
