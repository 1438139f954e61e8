package imports

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// clientsFile is PiVPN's list of devices.
const clientsFile = "clients.txt"

// clients takes from PiVPN's clients.txt what its wg0.conf does not have: since when
// a device is known. A line has a name, the public key, the time of creation in Unix
// seconds and, in newer ones, a number. What is in no such form is listed: nothing
// depends on it.
func (s *Server) clients(file string, text []byte) {
	type client struct {
		name    string
		created time.Time
	}
	known := map[wgtypes.Key]client{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		parts := strings.Fields(line)
		if len(parts) == 0 {
			continue
		}
		if n > MaxDevices {
			s.drop("%s: more than %d devices are not read.", short(file), MaxDevices)
			break
		}
		if key, created, ok := clientOf(parts); ok {
			known[key] = client{parts[0], created}
			continue
		}
		s.drop("%s: this line is not understood.", fmt.Sprintf("%s, line %d", short(file), n))
	}
	if len(known) > 0 {
		s.Kind = "PiVPN"
	}
	for i := range s.Devices {
		d := &s.Devices[i]
		if c, found := known[d.PublicKey]; found {
			d.Created = c.created
			if d.Name == "" {
				d.Name = c.name
			}
		}
	}
}

func clientOf(parts []string) (key wgtypes.Key, created time.Time, ok bool) {
	if len(parts) < 3 {
		return key, created, false
	}
	key, err := wgtypes.ParseKey(parts[1])
	if err != nil {
		return key, created, false
	}
	seconds, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || seconds <= 0 || seconds > 1<<35 { // a year of four digits
		return key, created, false
	}
	return key, time.Unix(seconds, 0).UTC(), true
}
