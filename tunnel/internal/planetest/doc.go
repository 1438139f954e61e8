// Package planetest is the conformance suite of the data planes: what a peer
// can and cannot reach is the same on all of them, and so is what opening and
// closing leaves behind.
//
// A test of a plane calls Run from its top level. Run starts the test's binary
// again in a network namespace of its own, the box, with a LAN behind it:
//
//	peer 10.66.0.2 ─┐ packets                    ┌ 192.168.77.10      192.168.77.20 ┐
//	                ├────────▶ plane ─▶ box ─────┤ fd77::10 ── veth ──── fd77::20   ├ LAN host
//	peer 10.66.0.3 ─┘ 10.66.0.1, fd66::1         └ and other0                       ┘
//
// The peers are stacks in memory that hand their packets to the plane's Device
// as wireguard-go would. The namespaces have no names: they end with the
// process, whatever it dies of.
//
// Every "cannot" comes with a control: the same listener is reached from where
// it may be.
package planetest
