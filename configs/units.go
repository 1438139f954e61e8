package configs

import "embed"

// Units holds what the kinds of service managers start homeward by: systemd/,
// openrc/ and sysv/, and in cron/ what those without timers do every day. They name the program as /usr/bin/homeward.
//
//go:embed systemd openrc sysv cron
var Units embed.FS
