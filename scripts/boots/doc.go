// Package boots starts whole systems with a real service manager, as emulated machines
// without any network but one of their own, for the tests of homeward as a service.
//
// A system is one of the small Debians that the script unpack makes, with Debian's
// kernel below it. In it runs the program agent, which does over a serial line what a
// test tells it.
package boots
