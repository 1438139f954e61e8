package upnp

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
)

// C4: a request has the plain layout that old routers read (DrayTek refuses another one):
// SOAPAction in quotes, the length of a body that comes in one piece, and the end of the
// connection after it.
func TestSOAPRequestsHaveThePlainLayout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		var raw strings.Builder
		r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &raw)))
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		if err == nil {
			_, err = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
		if err != nil {
			t.Error(err)
		}
		got <- raw.String()
	}()
	at := netip.MustParseAddrPort(l.Addr().String())
	gw := Gateway{Addr: at.Addr(), Self: at.Addr()}
	service := &goupnp.Service{ServiceType: internetgateway2.URN_WANIPConnection_1}
	service.ControlURL.URL = url.URL{Scheme: "http", Host: at.String(), Path: "/ctl"}
	conn := newConnection(service, &goupnp.RootDevice{}, &url.URL{}, soapTransport{pinnedTransport(gw)})
	_ = conn.AddPortMappingCtx(t.Context(), anyHost, 41234, udp, 41234, "192.168.1.10", true, "homeward-0123abcd", 3600) // the answer has no body

	head, body, _ := strings.Cut(<-got, "\r\n\r\n")
	lower := strings.ToLower(head) + "\r\n"
	for _, want := range []string{
		"post /ctl http/1.1\r\n", "\r\nhost: " + at.String() + "\r\n", "\r\nconnection: close\r\n",
		"\r\nsoapaction: \"urn:schemas-upnp-org:service:wanipconnection:1#addportmapping\"\r\n", "\r\ncontent-type: text/xml",
	} {
		if !strings.Contains(lower, want) {
			t.Errorf("the head lacks %q:\n%s", want, head)
		}
	}
	if strings.Contains(lower, "chunked") || !strings.Contains(lower, "\r\ncontent-length: ") {
		t.Errorf("the body is not told by its length:\n%s", head)
	}
	for _, want := range []string{
		"<?xml version=\"1.0\"", "http://schemas.xmlsoap.org/soap/envelope/", "http://schemas.xmlsoap.org/soap/encoding/",
		"AddPortMapping xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\"", "<NewRemoteHost></NewRemoteHost>", "<NewExternalPort>41234</NewExternalPort>",
		"<NewProtocol>UDP</NewProtocol>", "<NewInternalPort>41234</NewInternalPort>", "<NewInternalClient>192.168.1.10</NewInternalClient>",
		"<NewEnabled>1</NewEnabled>", "<NewPortMappingDescription>homeward-0123abcd</NewPortMappingDescription>", "<NewLeaseDuration>3600</NewLeaseDuration>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the body lacks %q:\n%s", want, body)
		}
	}
}
