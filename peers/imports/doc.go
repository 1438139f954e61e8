// Package imports reads what other WireGuard servers keep: wg-quick files (also
// those of PiVPN, linuxserver and common scripts, with their names of devices),
// wg-easy up to version 14 (wg0.json) and from 15 on (its database), and an
// interface that runs.
//
// All of them become one Server. What homeward does not take over, such as hooks,
// is listed there; whatever is wrong is told at once, with where it stands. The
// package reads what it is given and touches nothing.
package imports
