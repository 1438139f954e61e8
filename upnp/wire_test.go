package upnp

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// Never a suggestion of port 0 (RouterOS refuses it), never a request for port 0
// (which means "all of mine"), and a delete has zeros where the RFCs want them (E2).
func TestControlRequestsOnTheWire(t *testing.T) {
	nonce := Nonce([]byte("twelve bytes"))
	client := netip.MustParseAddr("192.168.77.10")
	mapping, remove := pcpMapRequest(client, nonce, testPort, testPort, time.Hour, true), pcpDeleteRequest(client, nonce, testPort)
	anyAddress := []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}
	for name, tt := range map[string]struct{ got, want []byte }{
		"NAT-PMP address":    {pmpExternalRequest(), []byte{0, 0}},
		"NAT-PMP map":        {pmpMapRequest(testPort, time.Hour), []byte{0, 1, 0, 0, 0xa1, 0x12, 0xa1, 0x12, 0, 0, 0x0e, 0x10}},
		"NAT-PMP delete":     {pmpDeleteRequest(testPort), []byte{0, 1, 0, 0, 0xa1, 0x12, 0, 0, 0, 0, 0, 0}},
		"PCP announce":       {pcpAnnounceRequest(client)[:8], []byte{2, 0, 0, 0, 0, 0, 0, 0}},
		"PCP header":         {mapping[:8], []byte{2, 1, 0, 0, 0, 0, 0x0e, 0x10}},
		"PCP client":         {mapping[8:24], []byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 77, 10}},
		"PCP nonce":          {mapping[24:36], nonce[:]},
		"PCP protocol":       {mapping[36:40], []byte{17, 0, 0, 0}},
		"PCP ports":          {mapping[40:44], []byte{0xa1, 0x12, 0xa1, 0x12}},
		"PCP address":        {mapping[44:60], anyAddress},
		"PCP option":         {mapping[60:], []byte{2, 0, 0, 0}},
		"PCP without option": {pcpMapRequest(client, nonce, testPort, testPort, time.Hour, false)[44:], anyAddress},
		"PCP delete":         {remove[:8], []byte{2, 1, 0, 0, 0, 0, 0, 0}},
		"PCP delete ports":   {remove[40:44], []byte{0xa1, 0x12, 0, 0}},
		"PCP delete rest":    {remove[44:], anyAddress},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: % x, want % x", name, tt.got, tt.want)
		}
	}
	if s := nonce.String(); strings.Contains(s, "twelve") {
		t.Errorf("the nonce shows: %q", s)
	}
}

func FuzzNATPMP(f *testing.F) {
	f.Add([]byte("\x00\x80\x00\x00\x00\x00\x0e\x10\x51\x02\x45\x02"))                 // its address
	f.Add([]byte("\x00\x81\x00\x00\x00\x00\x0e\x10\xa1\x12\xa1\x12\x00\x00\x0e\x10")) // a grant
	f.Add([]byte("\x00\x81\x00\x02\x00\x00\x0e\x10"))                                 // a refusal as short as may be
	f.Add([]byte("\x00\x81\x00\x00\x00\x00\x0e\x10\xa1\x12\xa1\x12"))                 // a grant cut off before its lifetime
	f.Add([]byte("\x00\x01\x00\x00\xa1\x12\xa1\x12\x00\x00\x0e\x10"))                 // our own request, come back
	f.Add(append([]byte("\x02\x80\x00\x01"), make([]byte, 20)...))                    // PCP's "not my version"
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parsePMP(b)
		if err != nil {
			if r != (pmpReply{}) {
				t.Errorf("% x: %v, and yet %+v", b, err, r)
			}
			return
		}
		if r.code != pmpSuccess {
			if r.mapped != 0 || r.lifetime != 0 || r.external.IsValid() || r.code.answer().ok() {
				t.Errorf("% x: a refusal that grants: %+v", b, r)
			}
			return
		}
		// What was understood says the same when it is written again.
		again := append([]byte{0, 128 + r.op, 0, 0}, binary.BigEndian.AppendUint32(nil, r.epoch)...)
		if r.op == pmpOpExternal {
			ip := r.external.As4()
			again = append(again, ip[:]...)
		} else {
			again = binary.BigEndian.AppendUint16(again, r.internal)
			again = binary.BigEndian.AppendUint16(again, r.mapped)
			again = binary.BigEndian.AppendUint32(again, uint32(r.lifetime/time.Second))
		}
		if len(b) < len(again) || !slices.Equal(b[:len(again)], again) {
			t.Errorf("% x read as %+v", b, r)
		}
	})
}

func FuzzPCP(f *testing.F) {
	header := "\x02\x81\x00\x00\x00\x00\x0e\x10\x00\x00\x00\x07" + strings.Repeat("\x00", 12)
	body := "twelve bytes\x11\x00\x00\x00\xa1\x12\xa1\x12" + strings.Repeat("\x00", 10) + "\xff\xff\x51\x02\x45\x02"
	f.Add([]byte(header + body))                                                          // a grant
	f.Add([]byte("\x02\x81\x00\x0b" + header[4:] + body))                                 // CANNOT_PROVIDE_EXTERNAL
	f.Add([]byte("\x02\x80" + header[2:]))                                                // an announcement
	f.Add([]byte(header))                                                                 // a grant of nothing
	f.Add([]byte(header + body + "\x02\x00\x00\x00"))                                     // with an option
	f.Add([]byte("\x00\x81\x00\x01\x00\x00\x00\x07"))                                     // NAT-PMP's "not my version"
	f.Add([]byte("\x01\x81\x00\x01" + header[4:]))                                        // the same from a draft of PCP
	f.Add([]byte(header + strings.Repeat("\xff", 1076)))                                  // as long as may be
	f.Add([]byte("\x02\x01\x00\x00\x00\x00\x0e\x10" + strings.Repeat("\x00", 16) + body)) // our own request, come back
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parsePCP(b)
		if err != nil {
			if r != (pcpReply{}) {
				t.Errorf("% x: %v, and yet %+v", b, err, r)
			}
			return
		}
		if r.code == pcpSuccess && (b[0] != pcpVersion || len(b)%4 != 0 || r.op == pcpOpMap && !r.mapping) {
			t.Errorf("% x: success from %+v", b, r)
		}
		if !r.mapping {
			if r.nonce != (Nonce{}) || r.mapped != 0 || r.external.IsValid() {
				t.Errorf("% x: a mapping from nowhere: %+v", b, r)
			}
			return
		}
		// Only an answer that repeats the nonce, the protocol and the port is one to our request.
		if r.answers(Nonce([]byte("twelve bytes")), testPort) !=
			(string(b[24:37]) == "twelve bytes\x11" && binary.BigEndian.Uint16(b[40:]) == testPort) {
			t.Errorf("% x: taken for ours wrongly: %+v", b, r)
		}
	})
}
