// Package labnet builds networks out of network namespaces, for tests.
//
// [New] builds a home and the internet around it, with a real router
// (nftables and Debian's miniupnpd), a NAS, a LAN server, and a phone far away:
//
//	                             ┌ nas    192.168.77.10
//	phone ── isp ── router ──────┼ share  192.168.77.20
//	81.2.70.5 │     81.2.69.2    └ laptop 192.168.77.30
//	          │     192.168.77.1
//	        inet 81.2.68.10
//
// Every host has IPv4 and IPv6; see the constants for the addresses. [Bare]
// gives the primitives alone, for tests that want two hosts and a cable.
//
// What the package promises:
//   - Nothing leaves the namespaces, and no cable starts in the namespace of
//     the test. Names are unique, addresses need not be: any number of labs
//     stand side by side.
//   - When the test ends, everything is gone: processes, namespaces, files. A
//     watchdog process sees to it, also when the test is killed, because it
//     waits for the end of a pipe that only the test holds.
//   - Should the watchdog be killed too, the next lab removes what is left:
//     every lab notes in /run/homeward-lab who owns it.
package labnet
