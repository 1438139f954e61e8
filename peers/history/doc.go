// Package history remembers what happened: how much went through each peer's
// tunnel, when it was here and from where, and what the house, the router and
// the people did. It answers "why could I not connect on Tuesday".
//
// # What is kept
//
//   - Traffic of each peer by five minutes for two days, by hour for sixty days,
//     by day for two years. Intervals without traffic take no room. A row is about
//     25 bytes and each step has at most 750,000, so that the table stays below
//     about 60 MB; that is reached by a thousand devices that are never away. A
//     household's ten take some hundred kilobytes.
//   - Sessions: from the first to the last handshake in a row, with the network
//     (/24 or /48) that the peer came from, at most 200 of each peer for 90 days.
//   - Events, see Kind: the latest 5,000 for 90 days. What repeats itself within
//     a day is counted and not written down again.
//
// Never kept: whom a peer talked to inside the tunnel, and its exact address
// outside. Removing a peer removes its traffic and sessions. Events keep its name:
// they are the house's diary, and say also who removed it.
//
// # When it is written
//
// State may lie on an SD card: everything goes to the disk in one transaction
// every five minutes and at a clean stop. A crash loses what came after the last
// one. While the disk refuses, the latest hour is held in memory.
//
// A Stream carries events to whoever wants to know; a slow reader loses the
// oldest ones and holds up nobody.
package history
