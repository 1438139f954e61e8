// Package initramfs writes the root file system that a Linux kernel starts with, for
// the emulated machines of the tests.
package initramfs
