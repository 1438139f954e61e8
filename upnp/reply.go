package upnp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// fault is a router's refusal of an action.
type fault struct {
	code int    // UPnP error code; zero when it gave none
	text string // cleaned
}

// reply is a router's answer to a SOAP action: a fault, or named values.
type reply struct {
	action string
	fault  *fault
	names  []string // in the order of arrival
	values map[string]string
}

const maxValues = 64

var errNotSOAP = errors.New("reply isn't a SOAP envelope")

// parseReply reads what routers send: any encoding (toUTF8), any or no namespace,
// <Detail> in any case, values with blanks around them. The action is the one we
// asked for; an answer to another one is no answer.
func parseReply(body []byte, action string) (reply, error) {
	body = toUTF8(body)
	if err := checkDepth(body); err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNotSOAP, err)
	}
	d := newDecoder(body)
	for {
		token, err := d.Token()
		if err != nil {
			return reply{}, fmt.Errorf("%w: it holds neither an answer to %s nor a fault", errNotSOAP, action)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch {
		case strings.EqualFold(start.Name.Local, "Fault"):
			r := reply{action: action, fault: &fault{}}
			err := eachLeaf(d, r.fault.note)
			return r, err
		case start.Name.Local == action+"Response":
			r := reply{action: action, values: make(map[string]string)}
			err := eachLeaf(d, r.note)
			return r, err
		}
	}
}

// eachLeaf calls note with the name and trimmed text of every element below the
// one that just began, until that one ends.
func eachLeaf(d *xml.Decoder, note func(name, text string)) error {
	depth := 0
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errNotSOAP, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			text.Reset()
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			if depth == 0 {
				return nil
			}
			depth--
			note(t.Name.Local, strings.TrimSpace(text.String()))
			text.Reset()
		}
	}
}

func (f *fault) note(name, text string) {
	switch strings.ToLower(name) {
	case "errorcode":
		f.code, _ = strconv.Atoi(text)
	case "errordescription":
		f.text = clean(text)
	case "faultstring":
		if f.text == "" {
			f.text = clean(text)
		}
	}
}

func (r *reply) note(name, text string) {
	if _, again := r.values[name]; again || len(r.names) == maxValues || !isArgument(name) {
		return
	}
	switch name {
	case "NewLeaseDuration", "NewUptime":
		// Some send nothing, some a negative or a larger number: none of these is a
		// lease that we could rely on.
		if _, err := strconv.ParseUint(text, 10, 32); err != nil {
			text = "0"
		}
	case "NewEnabled":
		if text == "" {
			text = "1"
		}
		text = strings.ToLower(text)
	}
	r.names = append(r.names, name)
	r.values[name] = text
}

// isArgument reports names as UPnP's WAN services have them: NewLeaseDuration. Those
// of WANIPv6FirewallControl:1 have no common beginning.
func isArgument(name string) bool {
	switch name {
	case "FirewallEnabled", "InboundPinholeAllowed", "UniqueID", "IsWorking", "PinholePackets":
		return true
	}
	return strings.HasPrefix(name, "New") && strings.IndexFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	}) < 0
}

// encode writes the reply as goupnp's decoder expects it.
func (r reply) encode() []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>`)
	if r.fault != nil {
		fmt.Fprintf(&b, `<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring>`+
			`<detail><UPnPError><errorCode>%d</errorCode><errorDescription>`, r.fault.code)
		escape(&b, r.fault.text)
		b.WriteString(`</errorDescription></UPnPError></detail></s:Fault>`)
	} else {
		b.WriteString(`<r>`)
		for _, name := range r.names {
			b.WriteString("<" + name + ">")
			escape(&b, r.values[name])
			b.WriteString("</" + name + ">")
		}
		b.WriteString(`</r>`)
	}
	b.WriteString(`</s:Body></s:Envelope>`)
	return b.Bytes()
}

// escape replaces what XML can't hold. A buffer takes every write.
func escape(b *bytes.Buffer, s string) { _ = xml.EscapeText(b, []byte(s)) }
