package metrics

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/peers"
	"homeward/web/api"
)

// house is a house that is measured.
type house struct {
	status   api.Status
	peers    []peers.Peer
	forwards []api.Forward
}

func (h *house) meter() *Meter {
	return New(Config{Status: func() api.Status { return h.status }, Peers: func() []peers.Peer { return h.peers }, Forwards: func() []api.Forward { return h.forwards }})
}

// full has something of all that is measured, and names that are hard to write.
func full() *house {
	seen := peers.Observed{Endpoint: netip.MustParseAddrPort("203.0.113.5:9"), LastHandshake: time.Now().Add(-time.Minute), ReceivedBytes: 1 << 40, SentBytes: 7}
	return &house{
		status: api.Status{Version: "v1.2", Names: []string{"secret.example.org"}, Reachability: api.Reachability{Verdict: "seen", Text: "a sentence"}, Backup: api.BackupState{Last: time.Unix(1_700_000_000, 0)},
			Joints: []api.Joint{{Key: "router", Title: "Router", State: api.JointWorking}, {Key: "port", State: api.JointFailed}}},
		peers: []peers.Peer{
			{ID: 2, Name: "an \"odd\"\nna\\me", State: peers.Active, Observed: seen, PublicKey: wgtypes.Key{7}, NeedsCode: []peers.Reason{peers.ReasonPort}},
			{ID: 1, Name: "tv", State: peers.Disabled},
		},
		forwards: []api.Forward{{ID: 1, Name: "camera", State: "open"}, {ID: 2, State: "off"}},
	}
}

// read parses a page as collectors do.
func read(t *testing.T, page []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		t.Fatalf("%v:\n%s", err, page)
	}
	return families
}

// value is the number of a family with some labels, as pairs.
func value(t *testing.T, families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	t.Helper()
	for _, m := range families["homeward_"+name].GetMetric() {
		same := len(m.GetLabel())*2 == len(labels)
		for i := 0; same && i < len(labels); i += 2 {
			same = m.GetLabel()[i/2].GetName() == labels[i] && m.GetLabel()[i/2].GetValue() == labels[i+1]
		}
		if same {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no %s %v", name, labels)
	return 0
}

func TestCollectorsReadWhatIsWritten(t *testing.T) {
	h := full()
	f := read(t, h.meter().Text(Names))
	for _, tt := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"build_info", []string{"version", "v1.2"}, 1},
		{"reachability_info", []string{"verdict", "seen"}, 1},
		{"joint", []string{"joint", "router", "state", "working"}, 1},
		{"joint", []string{"joint", "router", "state", "failed"}, 0},
		{"joint", []string{"joint", "port", "state", "failed"}, 1},
		{"backup_timestamp_seconds", nil, 1_700_000_000},
		{"backup_problem", nil, 0},
		{"peers", []string{"state", "active"}, 1},
		{"peers", []string{"state", "disabled"}, 1},
		{"peers", []string{"state", "expired"}, 0},
		{"peers_connected", nil, 1},
		{"peers_needing_code", nil, 1},
		{"received_bytes_total", nil, 1 << 40},
		{"sent_bytes_total", nil, 7},
		{"forwards", []string{"state", "open"}, 1},
		{"forwards", []string{"state", "waiting"}, 0},
		{"peer_connected", []string{"peer", "2", "name", "an \"odd\"\nna\\me"}, 1},
		{"peer_connected", []string{"peer", "1", "name", "tv"}, 0},
		{"peer_handshake_timestamp_seconds", []string{"peer", "2", "name", "an \"odd\"\nna\\me"}, float64(h.peers[0].Observed.LastHandshake.Unix())},
		{"peer_received_bytes_total", []string{"peer", "2", "name", "an \"odd\"\nna\\me"}, 1 << 40},
		{"peer_sent_bytes_total", []string{"peer", "1", "name", "tv"}, 0},
	} {
		if got := value(t, f, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s %v is %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	for _, name := range []string{"start_time_seconds", "memory_bytes", "goroutines"} {
		if value(t, f, name) <= 0 {
			t.Errorf("%s is nothing", name)
		}
	}
	if n := len(f["homeward_peer_handshake_timestamp_seconds"].GetMetric()); n != 1 {
		t.Errorf("%d handshakes", n)
	}
	if got := value(t, read(t, h.meter().Text(IDs)), "peer_connected", "peer", "2"); got != 1 {
		t.Errorf("by number: %v", got)
	}
}

func TestThePageIsAsPrometheusAdvises(t *testing.T) {
	for _, of := range []Devices{Sums, IDs, Names} {
		for what, h := range map[string]*house{"full": full(), "empty": {}} {
			problems, err := promlint.New(bytes.NewReader(h.meter().Text(of))).Lint()
			if err != nil || len(problems) > 0 {
				t.Errorf("%s, %q: %v %v", what, of, problems, err)
			}
		}
	}
	// The negative control: it would find what is wrong.
	if problems, err := promlint.New(strings.NewReader("# TYPE x_miliseconds counter\nx_miliseconds 1\n")).Lint(); err != nil || len(problems) == 0 {
		t.Errorf("nothing is wrong: %v", err)
	}
}

func TestNobodyIsNamedUnlessThatIsAskedFor(t *testing.T) {
	h := full()
	for of, found := range map[Devices][]string{Sums: nil, IDs: {"peer_"}, Names: {"peer_", "odd", "tv"}} {
		page := string(h.meter().Text(of))
		for _, s := range []string{"peer_", "odd", "tv", "203.0.113", "secret.example", "camera", "a sentence", wgtypes.Key{7}.String()} {
			want := false
			for _, f := range found {
				want = want || f == s
			}
			if strings.Contains(page, s) != want {
				t.Errorf("%q: %s is in it: %v", of, s, !want)
			}
		}
	}
}

func TestSumsOnlyGrow(t *testing.T) {
	h := full()
	m := h.meter()
	sum := func() float64 { return value(t, read(t, m.Text(Sums)), "received_bytes_total") }
	before := sum()
	h.peers[0].Observed.ReceivedBytes += 5
	if got := sum(); got != before+5 {
		t.Errorf("after 5 more: %v, was %v", got, before)
	}
	h.peers[0].Observed.ReceivedBytes = 3 // with a new key it begins anew
	if got := sum(); got != before+8 {
		t.Errorf("after a new key: %v, was %v", got, before)
	}
	h.peers = nil
	if got := sum(); got != before+8 {
		t.Errorf("after all were removed: %v, was %v", got, before)
	}
}
