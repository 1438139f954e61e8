package netstack

import (
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// link is the device as the stack sees it: a point-to-point wire without
// addresses of its own.
type link struct{ d *device }

var (
	_ stack.LinkEndpoint = link{}
	_ stack.GSOEndpoint  = link{}
)

// WritePackets implements stack.LinkWriter.
func (l link) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for i, p := range list.AsSlice() {
		if !l.d.queue.put(p) {
			return i, &tcpip.ErrClosedForSend{}
		}
	}
	return list.Len(), nil
}

// Capabilities says that what arrives has been checked: WireGuard sealed it.
func (link) Capabilities() stack.LinkEndpointCapabilities { return stack.CapabilityRXChecksumOffload }

// SupportedGSO says that the stack may leave cutting segments, and their
// checksums, to the device.
func (link) SupportedGSO() stack.SupportedGSO { return stack.HostGSOSupported }

// GSOMaxSize makes the stack's largest packet a whole number of segments. The
// stack leaves room for 40 bytes of TCP options in each.
func (l link) GSOMaxSize() uint32 {
	mss := l.d.mtu - header.IPv4MinimumSize - header.TCPMinimumSize - header.TCPOptionsMaximumSize
	n := (65535 - header.TCPTotalHeaderMaximumSize - 1) / mss
	return uint32(n*mss + header.TCPTotalHeaderMaximumSize + 1)
}

// Attach implements stack.LinkEndpoint. The stack detaches with nil.
func (l link) Attach(disp stack.NetworkDispatcher) {
	if disp == nil {
		l.d.dispatcher.Store(nil)
		return
	}
	l.d.dispatcher.Store(&disp)
}

func (l link) IsAttached() bool                      { return l.d.dispatcher.Load() != nil }
func (l link) MTU() uint32                           { return uint32(l.d.mtu) }
func (l link) Close()                                { l.d.Close() }
func (link) SetMTU(uint32)                           {}
func (link) MaxHeaderLength() uint16                 { return 0 }
func (link) LinkAddress() tcpip.LinkAddress          { return "" }
func (link) SetLinkAddress(tcpip.LinkAddress)        {}
func (link) Wait()                                   {}
func (link) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareNone }
func (link) AddHeader(*stack.PacketBuffer)           {}
func (link) ParseHeader(*stack.PacketBuffer) bool    { return true }
func (link) SetOnCloseAction(func())                 {}
