// Package backups keeps the appliance's backups: it makes one when asked, knows the
// recovery code's public half, and writes one every night to a chosen folder, of
// which it keeps the newest few. A folder that is missing, full or read-only is a
// problem to be told, never a reason to stop.
package backups
