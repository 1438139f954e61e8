// Package state keeps what the appliance knows between two starts: the state
// directory, its lock, the database with its migrations, and the identity that
// every code in every phone depends on.
//
// What it promises: one process at a time; an acknowledged change survives a
// kill and a power cut; a schema from a newer homeward is refused untouched;
// a database that got lost is an error and never a fresh start, since a fresh
// start would open the setup page to whoever comes first. When the database cannot be
// opened, a shelter serves the last-good file instead, until it can.
//
// It may lie on an SD card. A house in which nothing happens writes nothing but a
// snapshot a day; one with devices in it makes at most thirteen small commits an hour,
// for their history, and when they were here last.
package state
