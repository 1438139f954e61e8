package peers

import (
	"net"
	"strconv"
)

// Called is where most devices call home, as host and port, by what their codes say; of
// several that are as many, where the newest device calls. It is empty when it is known
// of none.
func (m *Manager) Called() string {
	type count struct {
		codes  int
		newest ID
	}
	counts := map[string]count{}
	best := ""
	for _, p := range m.List() {
		if p.said == nil {
			continue
		}
		at := net.JoinHostPort(p.said.Host, strconv.Itoa(int(p.said.Port)))
		counts[at] = count{counts[at].codes + 1, max(counts[at].newest, p.ID)}
	}
	for at, c := range counts {
		if b := counts[best]; c.codes > b.codes || c.codes == b.codes && c.newest > b.newest {
			best = at
		}
	}
	return best
}
