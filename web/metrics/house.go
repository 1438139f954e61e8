package metrics

import (
	"cmp"
	"maps"
	"runtime"
	runtimemetrics "runtime/metrics"
	"slices"
	"strconv"
	"sync"
	"time"

	"homeward/peers"
	"homeward/web/api"
)

// here is how long after a handshake a device counts as connected: WireGuard makes
// another one every two minutes.
const here = 3 * time.Minute

// Config is what is measured. All fields are required.
type Config struct {
	Status   func() api.Status
	Peers    func() []peers.Peer
	Forwards func() []api.Forward
}

// Devices says what is told of each device.
type Devices string

// What there is to choose.
const (
	Sums  Devices = ""     // nothing: only sums
	IDs   Devices = "id"   // its numbers, by its number
	Names Devices = "name" // and by its name
)

// Meter measures. Its methods may be called from any goroutine.
type Meter struct {
	cfg     Config
	started time.Time

	mu             sync.Mutex // guards what follows
	last           map[peers.ID]traffic
	received, sent uint64 // of all devices, also of those that are gone
}

type traffic struct{ received, sent uint64 }

// New makes a meter.
func New(cfg Config) *Meter { return &Meter{cfg: cfg, started: time.Now()} }

// Text is what is measured now.
func (m *Meter) Text(of Devices) []byte {
	var t text
	now := time.Now()
	m.process(&t)
	wayHome(&t, m.cfg.Status())
	m.devices(&t, m.cfg.Peers(), of, now)
	forwards(&t, m.cfg.Forwards())
	return t.Bytes()
}

func (m *Meter) process(t *text) {
	memory := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(memory)
	t.gauge("start_time_seconds", "When homeward started, in Unix time.", one(float64(m.started.Unix())))
	t.gauge("memory_bytes", "Memory that the program holds.", one(float64(memory[0].Value.Uint64()-memory[1].Value.Uint64())))
	t.gauge("goroutines", "Goroutines that there are.", one(float64(runtime.NumGoroutine())))
}

// wayHome is about the way from the internet to the house.
func wayHome(t *text, s api.Status) {
	t.gauge("build_info", "Which version this is.", []sample{{[]string{"version", s.Version}, 1}})
	t.gauge("reachability_info", "Whether the house can be reached from outside, as a verdict.", []sample{{[]string{"verdict", s.Reachability.Verdict}, 1}})
	var joints []sample
	for _, j := range s.Joints {
		for _, state := range []api.JointState{api.JointUnknown, api.JointWorking, api.JointAttention, api.JointFailed} {
			joints = append(joints, sample{[]string{"joint", j.Key, "state", string(state)}, truth(j.State == state)})
		}
	}
	t.gauge("joint", "The state of each part of the way home: 1 for the one that it is in.", joints)
	if last := s.Backup.Last; !last.IsZero() {
		t.gauge("backup_timestamp_seconds", "When the last backup was made, in Unix time.", one(float64(last.Unix())))
	}
	t.gauge("backup_problem", "Whether the nightly backup fails.", one(truth(s.Backup.Problem != "")))
}

// devices is about those that may come in.
func (m *Meter) devices(t *text, list []peers.Peer, of Devices, now time.Time) {
	states := map[peers.State]int{peers.Active: 0, peers.Pending: 0, peers.Disabled: 0, peers.Expired: 0}
	connected, stale := 0, 0
	for _, p := range list {
		states[p.State]++
		connected += int(truth(isHere(p, now)))
		stale += int(truth(len(p.NeedsCode) > 0))
	}
	var counts []sample
	for _, s := range slices.Sorted(maps.Keys(states)) {
		counts = append(counts, sample{[]string{"state", string(s)}, float64(states[s])})
	}
	t.gauge("peers", "Devices by state.", counts)
	t.gauge("peers_connected", "Devices with a handshake within the last three minutes.", one(float64(connected)))
	t.gauge("peers_needing_code", "Devices whose code should be replaced.", one(float64(stale)))
	received, sent := m.add(list)
	t.counter("received_bytes_total", "Bytes that came from all devices since homeward started.", one(float64(received)))
	t.counter("sent_bytes_total", "Bytes that went to all devices since homeward started.", one(float64(sent)))
	if of != Sums {
		each(t, list, of, now)
	}
}

// each is about every device.
func each(t *text, list []peers.Peer, of Devices, now time.Time) {
	list = slices.SortedFunc(slices.Values(list), func(a, b peers.Peer) int { return cmp.Compare(a.ID, b.ID) })
	series := func(value func(peers.Peer) (float64, bool)) (out []sample) {
		for _, p := range list {
			if v, ok := value(p); ok {
				labels := []string{"peer", strconv.FormatInt(int64(p.ID), 10)}
				if of == Names {
					labels = append(labels, "name", string(p.Name))
				}
				out = append(out, sample{labels, v})
			}
		}
		return out
	}
	t.gauge("peer_connected", "Whether the device had a handshake within the last three minutes.", series(func(p peers.Peer) (float64, bool) { return truth(isHere(p, now)), true }))
	t.gauge("peer_handshake_timestamp_seconds", "When the device's last handshake was since homeward started, in Unix time.", series(func(p peers.Peer) (float64, bool) {
		return float64(p.Observed.LastHandshake.Unix()), !p.Observed.LastHandshake.IsZero()
	}))
	t.counter("peer_received_bytes_total", "Bytes that came from the device since homeward started.", series(func(p peers.Peer) (float64, bool) { return float64(p.Observed.ReceivedBytes), true }))
	t.counter("peer_sent_bytes_total", "Bytes that went to the device since homeward started.", series(func(p peers.Peer) (float64, bool) { return float64(p.Observed.SentBytes), true }))
}

// add counts what went through since it was last asked. The sums of those that are
// there would shrink with each that is removed, and look like a restart.
func (m *Meter) add(list []peers.Peer) (received, sent uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := make(map[peers.ID]traffic, len(list))
	for _, p := range list {
		now := traffic{p.Observed.ReceivedBytes, p.Observed.SentBytes}
		m.received += grown(m.last[p.ID].received, now.received)
		m.sent += grown(m.last[p.ID].sent, now.sent)
		last[p.ID] = now
	}
	m.last = last
	return m.received, m.sent
}

// grown is by how much a counter grew, which begins anew when its device gets a new key.
func grown(before, now uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}

// forwards is about the ports that are kept open besides.
func forwards(t *text, list []api.Forward) {
	states := map[string]int{"open": 0, "waiting": 0, "taken": 0, "refused": 0, "failed": 0, "off": 0}
	for _, f := range list {
		states[f.State]++
	}
	var counts []sample
	for _, s := range slices.Sorted(maps.Keys(states)) {
		counts = append(counts, sample{[]string{"state", s}, float64(states[s])})
	}
	t.gauge("forwards", "Ports that are kept open besides, by state.", counts)
}

func isHere(p peers.Peer, now time.Time) bool {
	return !p.Observed.LastHandshake.IsZero() && now.Sub(p.Observed.LastHandshake) < here
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
