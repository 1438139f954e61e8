// Package labnet builds a home and an internet out of network namespaces, for
// tests: a real router with miniupnpd, a NAS, a LAN server, and a phone far away.
//
//	phone ── internet ── router ──┬── nas
//	         81.2.70/24  81.2.69/24   ├── share
//	                     192.168.77/24 └── laptop
//
// Nothing leaves the namespaces. One watchdog process removes everything when
// the lab ends; it also does so when the test is killed, since it waits for
// the end of a pipe that only the test holds.
package labnet
