// Package peers decides who may come home: names, keys, addresses, access, and
// the configs and codes that people scan.
//
// It promises:
//
//   - What was acknowledged is on the disk. A change goes to the store first
//     and to the device second. Names (in any spelling), public keys and
//     addresses are unique in the database, not only under a lock.
//   - Access ends before Remove and SetEnabled return. When the device refuses
//     they say so (ErrNotApplied) and Run keeps trying; a new peer that was
//     refused is Pending and comes in by itself.
//   - Private keys live in memory only, from Create until the hand-over time
//     has passed, and are never stored or logged. A peer may bring its own
//     public key; then there is nothing to forget and no code to scan.
//   - A new code does not lock a device out: the old key works until the new
//     one's first handshake, and never after it.
//   - Every peer has a preshared key. It is stored, since the device needs it.
//   - A config is typed to the end. Text renders it with the nine keys that
//     the official apps take, and refuses values that could start another
//     line. The codes and the file are the same bytes.
//
// One change, from the request to the device:
//
//	Create, SetEnabled, Remove          one at a time
//	   │
//	   ▼
//	store (committed) ──► Device.SetPeers(all enabled) ──► snapshot ──► List, Get
//	                            │ refused                     ▲
//	                            └──► Pending, Run retries ────┘
//
// The package knows neither the device nor the page: it declares the Device
// that it needs, and whoever wires the program provides one, together with the
// Facts that go into configs. It imports no other room except configs/secret.
//
// Keepalive belongs to the client's config (25 s: home can reach the client
// through the client's NAT as well). The device's own peers get none, since a
// server that sends as well only wakes sleeping phones.
package peers
