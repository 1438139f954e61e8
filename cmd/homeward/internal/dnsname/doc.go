// Package dnsname owns the house's DNS name: what the owner chose for it, sealed
// in the state directory, and the updater that keeps it pointing home.
//
// A name goes into new codes once the zone's own servers were seen to have it,
// and stays in them from then on: that it lags behind an address for minutes is
// what it is for.
package dnsname
