// Package house owns what is set for the whole house on the page, by the command
// line or by the API, and not in the operator's file: its name, where devices call,
// who answers for names, how large packets may be, and what new devices get.
//
// A Keeper reads it once and stores each change before it counts. Readers get a
// snapshot and never wait. What cannot be read back is at its default, and said:
// a setting that was spoiled must not keep anybody out.
package house
