// Package bind is the UDP socket of the WireGuard device: a conn.Bind that
// survives errors, keeps its port, moves many packets with one system call, and
// remembers what knocked.
//
//	wireguard-go ─ Bind ─┬─ counts what arrives by its outside (Evidence)
//	                     ├─ proves that receiving works (Watch)
//	                     ├─ answers browsers that knock, while they may (knock.Door)
//	                     └─ sockets: GSO and GRO on Linux, plain ones elsewhere
//
// What it promises:
//
//   - A receiver ends only when the device closes the bind, whatever the socket
//     says. One port for good, whatever the device asks for.
//   - Answers leave from the address that was called, as long as the box has it.
//   - Packets of one size leave as one message, from where they lie; a message
//     is never so large that the kernel takes it apart in software. Where the
//     kernel or the network card cannot, they leave one by one.
//   - What it remembers of strangers is bounded, and nothing is decrypted for it.
//     Of who begins a handshake the message is kept, for those who ask (Calls).
package bind
