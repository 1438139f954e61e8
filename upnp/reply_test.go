package upnp

import (
	"encoding/xml"
	"strings"
	"testing"
)

func soapBody(inner string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + inner + `</s:Body></s:Envelope>`
}

// Shapes made after public reports; the reports are named where there is one.
func TestRepliesOfAllKinds(t *testing.T) {
	const action = "GetSpecificPortMappingEntry"
	good := `<u:` + action + `Response xmlns:u="urn:x"><NewInternalPort> 41234 </NewInternalPort><NewLeaseDuration></NewLeaseDuration></u:` + action + `Response>`
	for name, tt := range map[string]struct {
		in    string
		ok    bool
		fault int // -1: none
	}{
		"good":                     {soapBody(good), true, -1},
		"no namespace":             {strings.ReplaceAll(soapBody(good), ` xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"`, ""), true, -1},
		"latin-1":                  {strings.Replace(soapBody(good), `"1.0"`, `"1.0" encoding="iso-8859-1"`, 1) + "<!-- \xfc -->", true, -1},
		"byte order mark":          {"\xef\xbb\xbf" + soapBody(good), true, -1},
		"fault":                    {soapBody(`<s:Fault><faultcode>s:Client</faultcode><detail><UPnPError><errorCode>725</errorCode></UPnPError></detail></s:Fault>`), true, 725},
		"fault, bare (goupnp#47)":  {soapBody(`<s:Fault><detail><UPnPError><errorCode> 606 </errorCode></UPnPError></detail></s:Fault>`), true, 606},
		"fault, capital detail":    {soapBody(`<s:Fault><Detail><UPnPError><ErrorCode>718</ErrorCode></UPnPError></Detail></s:Fault>`), true, 718},
		"fault without code":       {soapBody(`<s:Fault><faultstring>no</faultstring></s:Fault>`), true, 0},
		"answer to another action": {soapBody(`<u:AddPortMappingResponse/>`), false, -1},
		"html":                     {"<html><body>It works!</body></html>", false, -1},
		"empty":                    {"", false, -1},
		"text":                     {"500 Internal Server Error", false, -1},
		"deep":                     {soapBody(strings.Repeat("<a>", 100)), false, -1},
	} {
		r, err := parseReply([]byte(tt.in), action)
		code := -1
		if r.fault != nil {
			code = r.fault.code
		}
		if (err == nil) != tt.ok || code != tt.fault {
			t.Errorf("%s: fault %d, %v", name, code, err)
		}
		if tt.ok && code < 0 && (r.values["NewInternalPort"] != "41234" || r.values["NewLeaseDuration"] != "0") {
			t.Errorf("%s: %q", name, r.values)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte(soapBody(`<s:Fault><Detail><UPnPError><errorCode>718</errorCode></UPnPError></Detail></s:Fault>`)), "AddPortMapping")
	f.Add([]byte(soapBody(`<XResponse><NewLeaseDuration>-1</NewLeaseDuration></XResponse>`)), "X") // no lease is negative
	f.Add([]byte(`<XResponse><a:b>]]></a:b>`), "X")                                                // not well-formed
	f.Fuzz(func(t *testing.T, b []byte, action string) {
		r, err := parseReply(b, action)
		if err != nil {
			return
		}
		var out struct {
			XMLName xml.Name
		}
		if err := xml.Unmarshal(r.encode(), &out); err != nil {
			t.Errorf("what goupnp gets isn't XML: %v\n%s", err, r.encode())
		}
	})
}
