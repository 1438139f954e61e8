package imports

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"homeward/configs/secret"
)

// disabledMark is how PiVPN switches a device off: it comments its lines out.
const disabledMark = "#[disabled]"

// confReader reads a wg-quick file line by line.
type confReader struct {
	server   Server
	problems Problems
	section  string
	at       string // where we are
	pending  string // a name that a comment gave to the next device
	device   *Device
	named    bool
	seen     map[string]bool // keys of the section
}

// Conf reads a server's wg-quick file.
func Conf(file string, text []byte) (Server, error) {
	file = short(file)
	r := &confReader{server: Server{Kind: "wg-quick"}}
	if len(text) > MaxFile {
		r.problems.add(file, "it has %d MiB: that is no wg-quick file", len(text)>>20)
		return Server{}, r.problems
	}
	n := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		n++
		r.at = fmt.Sprintf("%s, line %d", file, n)
		r.line(strings.TrimSpace(line))
		if len(r.problems) > maxProblems { // no more are told
			return Server{}, r.problems
		}
	}
	r.endDevice()
	r.at = file
	switch {
	case r.server.PrivateKey.IsZero() && len(r.problems) == 0:
		r.problems.add(file, "there is no [Interface] with a PrivateKey in it: it is no server's file")
	case r.server.Port == 0 && len(r.problems) == 0:
		r.problems.add(file, "there is no ListenPort in it: it is a device's file, or a server that nobody can call")
	}
	return r.server, r.problems.orNil()
}

func (r *confReader) line(line string) {
	off := false
	if rest, ok := strings.CutPrefix(line, disabledMark); ok {
		line, off = strings.TrimSpace(rest), true
	}
	switch {
	case line == "":
	case strings.HasPrefix(line, "#"), strings.HasPrefix(line, ";"):
		r.comment(line)
	case strings.HasPrefix(line, "["):
		r.begin(line, off)
	default:
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			r.problems.add(r.at, "%q is neither a section nor a setting", short(line))
			return
		}
		value, _, _ = strings.Cut(value, "#")
		r.setting(strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value))
	}
}

func (r *confReader) begin(line string, off bool) {
	r.endDevice()
	r.seen = map[string]bool{}
	switch r.section = strings.ToLower(strings.Trim(line, "[]")); r.section {
	case "interface":
		r.pending = ""
	case "peer":
		if len(r.server.Devices) >= MaxDevices {
			r.problems.add(r.at, "more than %d devices", MaxDevices)
			r.section = ""
			return
		}
		r.device = &Device{Name: r.pending, Enabled: !off}
		r.named, r.pending = r.pending != "", ""
	default:
		r.problems.add(r.at, "%q is no section of WireGuard's", short(line))
	}
}

func (r *confReader) endDevice() {
	if r.device != nil {
		r.server.Devices = append(r.server.Devices, *r.device)
	}
	r.device = nil
}

func (r *confReader) setting(key, value string) {
	single := key != "address" && key != "allowedips" && key != "dns" && !strings.HasPrefix(key, "pre") && !strings.HasPrefix(key, "post")
	if single && r.seen[key] {
		r.problems.add(r.at, "%s is there twice", short(key))
		return
	}
	switch r.section {
	case "interface":
		r.seen[key] = true
		r.ofServer(key, value)
	case "peer":
		r.seen[key] = true
		r.ofDevice(key, value)
	default:
		r.problems.add(r.at, "%q is in no section", short(key))
	}
}

func (r *confReader) ofServer(key, value string) {
	s := &r.server
	switch key {
	case "privatekey":
		if k := parseKey(r.at, "private key", value, &r.problems); k != (wgtypes.Key{}) {
			s.PrivateKey = secret.NewKey(k)
		}
	case "listenport":
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil || n == 0 {
			r.problems.add(r.at, "the port %q is none", short(value))
		}
		s.Port = uint16(n)
	case "address":
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			p, err := parsePrefix(part)
			if err != nil {
				r.problems.add(r.at, "%q is no address", short(part))
				continue
			}
			s.Addresses = append(s.Addresses, p)
		}
	case "dns", "mtu":
		s.drop("%s: %s = %s is not needed.", r.at, key, short(value))
	case "s1", "s2", "s3", "s4", "h1", "h2", "h3", "h4":
		// Junk before the handshake (Jc, I1) means nothing to WireGuard; these change what
		// its packets look like.
		if plain := map[byte]string{'s': "0", 'h': key[1:]}[key[0]]; value != plain {
			r.problems.add(r.at, "%s = %s disguises the packets (AmneziaWG), and homeward speaks WireGuard: these devices could not connect", short(key), short(value))
		}
	case "preup", "postup", "predown", "postdown":
		s.drop("%s: the command %q is not run.", r.at, short(value))
	default:
		s.drop("%s: %s = %s has no meaning here.", r.at, short(key), harmless(value))
	}
}

func (r *confReader) ofDevice(key, value string) {
	d := r.device
	switch key {
	case "publickey":
		d.PublicKey = parseKey(r.at, "public key", value, &r.problems)
	case "presharedkey":
		if k, err := wgtypes.ParseKey(value); err == nil && k == (wgtypes.Key{}) {
			return // none
		}
		if k := parseKey(r.at, "preshared key", value, &r.problems); k != (wgtypes.Key{}) {
			d.PresharedKey = secret.NewKey(k)
		}
	case "allowedips":
		r.server.takeAllowed(d, r.at, value, &r.problems)
	default:
		r.server.drop("%s: %s = %s has no meaning here.", r.at, short(key), harmless(value))
	}
}

// Comments in which programs that write these files keep the devices' names.
var nameForms = []*regexp.Regexp{
	regexp.MustCompile(`^#+ begin (.+?) #*$`),                            // PiVPN
	regexp.MustCompile(`^# ?BEGIN_PEER (.+)$`),                           // a common script
	regexp.MustCompile(`^# ?Client: (.+?)(?: \([0-9a-fA-F-]{8,36}\))?$`), // wg-easy
	regexp.MustCompile(`^#+ ?Client (.+)$`),                              // another script
	regexp.MustCompile(`^# ?peer_(.+)$`),                                 // linuxserver
	regexp.MustCompile(`^# ?(?i:friendly_name|name|device) ?[:=] ?(.+)$`),
}

var (
	endForms   = regexp.MustCompile(`^#+ ?(?:end .+|END_PEER .+)$`)
	settingLik = regexp.MustCompile(`^[#; ]*[A-Za-z]+ *=`)
)

// comment may have the name of a device: of the next one, or of the present one
// before its first setting.
func (r *confReader) comment(line string) {
	name := ""
	for _, form := range nameForms {
		if m := form.FindStringSubmatch(line); m != nil {
			name = strings.TrimSpace(m[1])
			break
		}
	}
	if name == "" && (endForms.MatchString(line) || settingLik.MatchString(line)) {
		return
	}
	if name == "" {
		name = strings.TrimSpace(strings.Trim(line, "#; "))
	}
	if r.device != nil && !r.named && len(r.seen) == 0 {
		r.device.Name, r.named = name, name != ""
		return
	}
	r.pending = name
}
