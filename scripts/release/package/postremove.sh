#!/bin/sh
# After the package's files are gone. Keys and devices stay, unless dpkg purges.
set -e
if [ "$1" = purge ]; then
	rm -rf /var/lib/homeward /var/lib/private/homeward
fi
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
