package routertest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const wanService = "urn:schemas-upnp-org:service:"

func (r *Router) handle(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	name, service, args := Description, -1, map[string]string(nil)
	switch req.Method {
	case Subscribe, Unsubscribe:
		r.handleEvents(w, req)
		return
	case http.MethodPost:
		service = r.service(req.URL.Path)
		_, name, _ = strings.Cut(strings.Trim(req.Header.Get("SOAPAction"), `"`), "#")
		args = arguments(body)
	}
	reply := r.next(name, args)
	defer r.end(name)
	pause(req.Context(), reply.Delay)
	for key, value := range reply.Header {
		w.Header().Set(key, r.fill(value))
	}
	switch {
	case reply.Drop:
		panic(http.ErrAbortHandler)
	case reply.Status != 0 || reply.Body != "":
		if reply.Status == 0 {
			reply.Status = http.StatusOK
		}
		w.WriteHeader(reply.Status)
		r.write(w, req, r.fill(reply.Body), reply.Drip)
	case reply.Fault != 0:
		writeFault(w, reply.Fault)
	case name == Description && req.URL.Path == "/root.xml":
		io.WriteString(w, r.description())
	case name == Description || service < 0:
		http.NotFound(w, req)
	case !strings.HasPrefix(strings.Trim(req.Header.Get("SOAPAction"), `"`), r.opt.Services[service].urn()+"#"),
		!strings.Contains(string(body), `"`+r.opt.Services[service].urn()+`"`):
		writeFault(w, 401) // it is a service of another type
	case reply.Lie:
		writeResponse(w, r.opt.Services[service].Type, name, nil)
	default:
		r.act(w, r.opt.Services[service], name, args)
	}
}

func (r *Router) write(w http.ResponseWriter, req *http.Request, body string, drip time.Duration) {
	if drip == 0 {
		io.WriteString(w, body)
		return
	}
	for i := 0; i < len(body) && req.Context().Err() == nil; i++ {
		io.WriteString(w, body[i:i+1])
		http.NewResponseController(w).Flush()
		pause(req.Context(), drip)
	}
}

// urn is the service's type in full.
func (s Service) urn() string {
	if strings.HasPrefix(s.Type, "urn:") {
		return s.Type
	}
	return wanService + s.Type
}

func (r *Router) service(path string) int {
	var n int
	if _, err := fmt.Sscanf(path, "/ctl/%d", &n); err != nil || n >= len(r.opt.Services) {
		return -1
	}
	return n
}

// arguments reads a SOAP request: names and texts of the innermost elements.
func arguments(body []byte) map[string]string {
	args := make(map[string]string)
	d := xml.NewDecoder(strings.NewReader(string(body)))
	text := ""
	for {
		token, err := d.Token()
		if err != nil {
			return args
		}
		switch t := token.(type) {
		case xml.StartElement:
			text = ""
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			args[t.Name.Local] = text
		}
	}
}

func (r *Router) description() string {
	var b strings.Builder
	v := r.opt.Version
	fmt.Fprintf(&b, `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>`)
	if r.opt.URLBase != "" {
		fmt.Fprintf(&b, "<URLBase>%s</URLBase>", r.fill(r.opt.URLBase))
	}
	fmt.Fprintf(&b, `<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:%d</deviceType>`+
		`<friendlyName>router</friendlyName><manufacturer>%s</manufacturer><modelName>%s</modelName><UDN>uuid:router</UDN>`+
		`<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANDevice:%d</deviceType>`+
		`<deviceList><device><deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:%d</deviceType><serviceList>`,
		v, r.opt.Manufacturer, r.opt.Model, v, v)
	for i, s := range r.opt.Services {
		path := r.fill(s.Path)
		if path == "" {
			path = fmt.Sprintf("/ctl/%d", i)
		}
		fmt.Fprintf(&b, `<service><serviceType>%s</serviceType><serviceId>urn:upnp-org:serviceId:WAN%d</serviceId>`+
			`<controlURL>%s</controlURL><eventSubURL>%s</eventSubURL><SCPDURL>/%d.xml</SCPDURL></service>`,
			s.urn(), i, path, r.eventURL(i), i)
	}
	b.WriteString(`</serviceList></device></deviceList></device></deviceList></device></root>`)
	return b.String()
}

func writeResponse(w io.Writer, service, action string, values map[string]string) {
	fmt.Fprintf(w, `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" `+
		`s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%sResponse xmlns:u="%s%s">`,
		action, wanService, service)
	for name, value := range values {
		fmt.Fprintf(w, "<%s>", name)
		xml.EscapeText(w, []byte(value))
		fmt.Fprintf(w, "</%s>", name)
	}
	fmt.Fprintf(w, `</u:%sResponse></s:Body></s:Envelope>`, action)
}

func writeFault(w http.ResponseWriter, code int) {
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" `+
		`s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><s:Fault><faultcode>s:Client</faultcode>`+
		`<faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0">`+
		`<errorCode>%d</errorCode><errorDescription>test %d</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>`,
		code, code)
}

// act is what a good router does.
func (r *Router) act(w http.ResponseWriter, s Service, action string, args map[string]string) {
	r.mu.Lock()
	do := r.actLocked
	if s.Type == firewallService {
		do = r.firewallLocked
	}
	values, fault := do(s, action, args)
	r.mu.Unlock()
	if fault != 0 {
		writeFault(w, fault)
		return
	}
	writeResponse(w, s.Type, action, values)
}

func (r *Router) actLocked(s Service, action string, args map[string]string) (map[string]string, int) {
	port64, err := strconv.ParseUint(args["NewExternalPort"], 10, 16)
	if err != nil && args["NewExternalPort"] != "" {
		return nil, 402
	}
	port := uint16(port64)
	e, taken := r.entries[port]
	switch action {
	case "GetStatusInfo":
		status := s.Status
		if status == "" {
			status = "Connected"
		}
		return map[string]string{"NewConnectionStatus": status, "NewLastConnectionError": "ERROR_NONE", "NewUptime": "77"}, 0
	case "GetExternalIPAddress":
		return map[string]string{"NewExternalIPAddress": r.wanOf(s)}, 0
	case "AddPortMapping":
		if !r.opt.allows(port) {
			return nil, 606
		}
		if taken && e.Client != args["NewInternalClient"] {
			return nil, 718
		}
		return nil, r.add(port, args)
	case "AddAnyPortMapping":
		if s.Type != "WANIPConnection:2" {
			return nil, 401
		}
		if port = r.freeLocked(port, r.entries); port == 0 {
			return nil, 728
		}
		return map[string]string{"NewReservedPort": strconv.Itoa(int(port))}, r.add(port, args)
	case "DeletePortMapping":
		if !taken || e.Protocol != args["NewProtocol"] {
			return nil, 714
		}
		delete(r.entries, port)
		return nil, 0
	case "GetSpecificPortMappingEntry":
		if !taken || e.Protocol != args["NewProtocol"] {
			return nil, 714
		}
		return e.values(), 0
	case "GetListOfPortMappings":
		if s.Type != "WANIPConnection:2" {
			return nil, 401
		}
		return r.listing(args)
	case "GetGenericPortMappingEntry":
		list := sorted(r.entries)
		i, err := strconv.Atoi(args["NewPortMappingIndex"])
		if err != nil || i >= len(list) {
			return nil, 713
		}
		values := list[i].values()
		values["NewRemoteHost"], values["NewProtocol"] = list[i].Remote, list[i].Protocol
		values["NewExternalPort"] = strconv.Itoa(int(list[i].External))
		return values, 0
	}
	return nil, 401
}

// listing is the table as WANIPConnection:2 section 2.5.21 has it.
func (r *Router) listing(args map[string]string) (map[string]string, int) {
	first, err1 := strconv.Atoi(args["NewStartPort"])
	last, err2 := strconv.Atoi(args["NewEndPort"])
	most, err3 := strconv.Atoi(args["NewNumberOfPorts"])
	if err1 != nil || err2 != nil || err3 != nil || last < first {
		return nil, 733
	}
	var b strings.Builder
	b.WriteString(`<p:PortMappingList xmlns:p="urn:schemas-upnp-org:gw:WANIPConnection">`)
	n := 0
	for _, e := range sorted(r.entries) {
		if e.Protocol != args["NewProtocol"] || int(e.External) < first || int(e.External) > last || most != 0 && n == most {
			continue
		}
		n++
		values := e.values()
		b.WriteString("<p:PortMappingEntry>")
		for _, v := range [][2]string{{"NewRemoteHost", e.Remote}, {"NewExternalPort", strconv.Itoa(int(e.External))}, {"NewProtocol", e.Protocol},
			{"NewInternalPort", values["NewInternalPort"]}, {"NewInternalClient", e.Client}, {"NewEnabled", values["NewEnabled"]},
			{"NewDescription", e.Description}, {"NewLeaseTime", values["NewLeaseDuration"]}} {
			b.WriteString("<p:" + v[0] + ">")
			xml.EscapeText(&b, []byte(v[1]))
			b.WriteString("</p:" + v[0] + ">")
		}
		b.WriteString("</p:PortMappingEntry>")
	}
	if n == 0 {
		return nil, 730
	}
	b.WriteString("</p:PortMappingList>")
	return map[string]string{"NewPortListing": b.String()}, 0
}

func (r *Router) wanOf(s Service) string {
	switch {
	case r.wan != "":
		return r.wan
	case s.WAN == "-":
		return ""
	case s.WAN != "":
		return s.WAN
	}
	return "81.2.69.2"
}

func (r *Router) add(port uint16, args map[string]string) int {
	internal, err := strconv.ParseUint(args["NewInternalPort"], 10, 16)
	if err != nil || args["NewRemoteHost"] != "" || args["NewEnabled"] != "1" || args["NewProtocol"] != "UDP" && args["NewProtocol"] != "TCP" {
		return 402
	}
	lease, err := strconv.ParseUint(args["NewLeaseDuration"], 10, 32)
	if err != nil {
		return 402
	}
	r.entries[port] = Entry{
		External: port, Internal: uint16(internal), Protocol: args["NewProtocol"], Client: args["NewInternalClient"],
		Description: args["NewPortMappingDescription"], Lease: time.Duration(lease) * time.Second,
	}
	return 0
}

func (e Entry) values() map[string]string {
	enabled := "1"
	if e.Disabled {
		enabled = "0"
	}
	return map[string]string{
		"NewInternalPort": strconv.Itoa(int(e.Internal)), "NewInternalClient": e.Client, "NewEnabled": enabled,
		"NewPortMappingDescription": e.Description, "NewLeaseDuration": strconv.Itoa(int(e.Lease / time.Second)),
	}
}
