package upnp

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"homeward/upnp/routertest"
)

// A list as miniupnpd writes it, after the example in WANIPConnection:2 section 2.3.25.
const goodListing = `<p:PortMappingList xmlns:p="urn:schemas-upnp-org:gw:WANIPConnection" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<p:PortMappingEntry><p:NewRemoteHost></p:NewRemoteHost><p:NewExternalPort>3389</p:NewExternalPort><p:NewProtocol>TCP</p:NewProtocol>
<p:NewInternalPort>3390</p:NewInternalPort><p:NewInternalClient>192.168.1.23</p:NewInternalClient><p:NewEnabled>1</p:NewEnabled>
<p:NewDescription>Gaming &amp; PC</p:NewDescription><p:NewLeaseTime>3600</p:NewLeaseTime></p:PortMappingEntry>
<p:PortMappingEntry><p:NewRemoteHost>198.51.100.7</p:NewRemoteHost><p:NewExternalPort>22</p:NewExternalPort><p:NewProtocol>TCP</p:NewProtocol>
<p:NewInternalPort>22</p:NewInternalPort><p:NewInternalClient>192.168.1.24</p:NewInternalClient><p:NewEnabled>0</p:NewEnabled>
<p:NewDescription/><p:NewLeaseTime/></p:PortMappingEntry></p:PortMappingList>`

func TestAListOfMappingsIsRead(t *testing.T) {
	want := []row{
		{entry: entry{external: 3389, internal: 3390, client: "192.168.1.23", enabled: true, description: "Gaming & PC", lease: time.Hour}, protocol: "TCP"},
		{entry: entry{external: 22, internal: 22, client: "192.168.1.24"}, remote: "198.51.100.7", protocol: "TCP"},
	}
	for name, text := range map[string]string{
		"as it should be":    goodListing,
		"without a prefix":   strings.ReplaceAll(goodListing, "p:", ""),
		"with a declaration": `<?xml version="1.0" encoding="ISO-8859-1"?>` + goodListing,
	} {
		if got, err := parseListing(text, 10); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := parseListing(goodListing, 1); err != nil || len(got) != 1 {
		t.Errorf("at most one: %+v, %v", got, err)
	}
}

func TestABrokenListIsNotBelieved(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":     "",
		"HTML":        "<html><body>login</body></html>",
		"no port":     strings.ReplaceAll(goodListing, ">3389<", "><"),
		"a long port": strings.ReplaceAll(goodListing, ">3390<", ">339000<"),
		"too deep":    strings.Repeat("<a>", 70),
	} {
		if got, err := parseListing(text, 10); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// soapListing is the answer that carries a list.
func soapListing(list string) string {
	return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:GetListOfPortMappingsResponse ` +
		`xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:2"><NewPortListing><![CDATA[` + list +
		`]]></NewPortListing></u:GetListOfPortMappingsResponse></s:Body></s:Envelope>`
}

func TestTheTableIsReadInOnePieceWhereTheRouterCan(t *testing.T) {
	fill := func(r *routertest.Router) {
		r.Put(routertest.Entry{External: 3389, Internal: 3389, Protocol: "TCP", Client: "192.168.1.23", Description: "PC <1> & more"})
		r.Put(routertest.Entry{External: 40000, Internal: 40000, Client: "192.168.1.24", Lease: time.Hour, Disabled: true})
	}
	for _, c := range []struct {
		name          string
		version       int
		script        []routertest.Reply
		lists, single bool
	}{
		{"IGD 2", 2, nil, true, false},
		{"IGD 1", 1, nil, false, true},
		{"IGD 2 without the action", 2, []routertest.Reply{{Fault: 401}}, true, true},
		{"IGD 2 that shows only one's own", 2, []routertest.Reply{{Fault: 606}}, true, true},
		{"IGD 2 that sends nonsense", 2, []routertest.Reply{{Body: "<a/>", Status: 200}}, true, true},
		{"IGD 2 that says yes and nothing else", 2, []routertest.Reply{{Lie: true}}, true, true},
		{"IGD 2 that mixes up protocols", 2, []routertest.Reply{{Status: 200, Body: soapListing(strings.ReplaceAll(goodListing, "TCP", "UDP"))}}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := routertest.New(t, routertest.Options{Version: c.version})
			fill(r)
			r.Script("GetListOfPortMappings", c.script...)
			s := open(t, r).(tableReader)
			list, complete, a := s.rows(hurried(t.Context()), maxTable)
			if !complete || len(list) != 2 {
				t.Fatalf("%+v, complete: %t, %+v", list, complete, a)
			}
			if list[0].description != "PC <1> & more" || !list[0].enabled || list[1].enabled || list[1].lease != time.Hour || list[1].client != "192.168.1.24" {
				t.Errorf("%+v", list)
			}
			if (r.Calls("GetListOfPortMappings") > 0) != c.lists || (r.Calls("GetGenericPortMappingEntry") > 0) != c.single {
				t.Errorf("asked %v", r.Order())
			}
		})
	}
}

func TestAFullListIsSaidToBeCut(t *testing.T) {
	r := routertest.New(t, routertest.Options{})
	for i := range uint16(5) {
		r.Put(routertest.Entry{External: 2000 + i, Internal: 80, Protocol: "TCP", Client: "192.168.1.9"})
		r.Put(routertest.Entry{External: 3000 + i, Internal: 80, Client: "192.168.1.9"})
	}
	s := open(t, r).(tableReader)
	if list, complete, _ := s.rows(hurried(t.Context()), 4); complete || len(list) != 4 {
		t.Errorf("%d rows, complete: %t", len(list), complete)
	}
	if list, complete, _ := s.rows(hurried(t.Context()), 7); complete || len(list) != 7 {
		t.Errorf("%d rows, complete: %t", len(list), complete)
	}
	if list, complete, _ := s.rows(hurried(t.Context()), 11); !complete || len(list) != 10 {
		t.Errorf("%d rows, complete: %t", len(list), complete)
	}
}

func FuzzParseListing(f *testing.F) {
	f.Add(goodListing)
	f.Add(`<PortMappingList><PortMappingEntry><NewExternalPort>1</NewExternalPort>`) // cut
	f.Add(`<PortMappingList/>`)
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseListing(text, 8)
		if len(list) > 8 || err != nil && list != nil {
			t.Errorf("%d rows, %v", len(list), err)
		}
	})
}
