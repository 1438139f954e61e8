package upnp

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestControlURLStaysOnTheGateway(t *testing.T) {
	gw := netip.MustParseAddr("192.168.1.1")
	location, _ := url.Parse("http://192.168.1.1:5000/dir/root.xml")
	for name, tt := range map[string]struct{ base, control, want string }{
		"absolute path":            {"", "/ctl/IPConn", "http://192.168.1.1:5000/ctl/IPConn"},
		"no slash":                 {"", "ctl?x=1", "http://192.168.1.1:5000/ctl?x=1"},
		"same host, other port":    {"", "http://192.168.1.1:49000/ctl", "http://192.168.1.1:49000/ctl"},
		"other host":               {"", "http://192.168.1.9:81/ctl", "http://192.168.1.1:5000/ctl"},
		"loopback":                 {"", "http://127.0.0.1:8377/api?y", "http://192.168.1.1:5000/api?y"},
		"forbidden port":           {"", "http://192.168.1.1:22/ctl", "http://192.168.1.1:5000/ctl"},
		"host without scheme":      {"", "//203.0.113.7/ctl", "http://192.168.1.1:5000/ctl"},
		"base with another port":   {"http://192.168.1.1:1900/", "/ctl", "http://192.168.1.1:1900/ctl"},
		"base with another host":   {"http://203.0.113.7/", "/ctl", "http://192.168.1.1:5000/ctl"},
		"escapes stay as they are": {"", "/a%2Fb%20c", "http://192.168.1.1:5000/a%2Fb%20c"},
		"empty":                    {"", "", ""},
		"garbage":                  {"", "http://%zz", ""},
	} {
		u, err := controlURL(location, tt.base, tt.control, gw)
		if (err != nil) != (tt.want == "") || err == nil && u.String() != tt.want {
			t.Errorf("%s: %v, %v; want %s", name, u, err, tt.want)
		}
	}
}

// device wraps services in a description.
func device(services string) string {
	return `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><device><manufacturer>M &amp; N</manufacturer>` +
		`<serviceList>` + services + `</serviceList></device></root>`
}

func service(kind, control string) string {
	return "<service><serviceType>urn:schemas-upnp-org:service:" + kind + "</serviceType><controlURL>" + control + "</controlURL></service>"
}

func TestServicesAreRanked(t *testing.T) {
	root, err := parseDescription([]byte(device(service("WANPPPConnection:1", "/p") + service("Layer3Forwarding:1", "/l") +
		service("WANIPConnection:1", "/1") + service("WANIPConnection:2 ", "/2") + service("WANIPConnection:1", ""))))
	if err != nil {
		t.Fatal(err)
	}
	location, _ := url.Parse("http://192.168.1.1/")
	var got []string
	for _, s := range offered(root, location, netip.MustParseAddr("192.168.1.1"), serviceOrder) {
		got = append(got, s.ControlURL.URL.Path)
	}
	if strings.Join(got, " ") != "/2 /1 /p" {
		t.Errorf("order = %q", got)
	}
}

func TestDescriptionsOfAllKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		in string
		ok bool
	}{
		"good":                  {device(service("WANIPConnection:1", "/")), true},
		"latin-1 as declared":   {strings.Replace(device("<x>\xe9</x>"), `"1.0"`, `"1.0" encoding="ISO-8859-1"`, 1), true},
		"byte order mark":       {"\xef\xbb\xbf" + device(""), true},
		"blank lines first":     {"\r\n\r\n" + device(""), true},
		"no namespace":          {"<root><device></device></root>", true},
		"stray ampersand":       {"<root><device><modelName>A & B</modelName></device></root>", true},
		"html":                  {"<html><body>404<br></body></html>", false},
		"empty":                 {"", false},
		"text":                  {"not here", false},
		"cut":                   {device("")[:60], false},
		"deep":                  {"<root>" + strings.Repeat("<deviceList><device>", 3000), false},
		"deep without the root": {strings.Repeat("<a>", 70) + strings.Repeat("</a>", 70), false},
	} {
		_, err := parseDescription([]byte(tt.in))
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
		if name == "deep" && !errors.Is(err, errDepth) {
			t.Errorf("deep: %v", err)
		}
	}
}

func FuzzDescription(f *testing.F) {
	f.Add([]byte(device(service("WANIPConnection:2", "http://127.0.0.1/ctl")))) // points elsewhere
	f.Add([]byte("<root><URLBase>http://192.168.1.1:22</URLBase><device/></root>"))
	f.Add([]byte("<root><device><deviceList><device><deviceList>")) // never closed
	gw := netip.MustParseAddr("192.168.1.1")
	location, _ := url.Parse("http://192.168.1.1:5000/root.xml")
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := parseDescription(b)
		if err != nil {
			return
		}
		for _, s := range offered(root, location, gw, serviceOrder) {
			u := s.ControlURL.URL
			if again, err := url.Parse(u.String()); err != nil || again.Hostname() != "192.168.1.1" || u.Scheme != "http" {
				t.Errorf("control URL %v", &u)
			}
		}
	})
}
