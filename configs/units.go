package configs

import "embed"

// Units holds what the kinds of service managers start homeward by: systemd/,
// openrc/ and sysv/. They name the program as /usr/bin/homeward.
//
//go:embed systemd openrc sysv
var Units embed.FS
