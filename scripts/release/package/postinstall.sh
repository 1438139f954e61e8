#!/bin/sh
# After the package's files are there. dpkg says "configure" and the version
# before, if there was one; rpm says 1 for an install and 2 for an upgrade.
set -e
[ -d /run/systemd/system ] || exit 0
systemctl daemon-reload
if [ "$1" = 1 ] || { [ "$1" = configure ] && [ -z "$2" ]; }; then
	systemctl enable --now homeward.service
	echo "homeward runs. 'homeward admin setup-link' opens its page."
else
	systemctl try-restart homeward.service homeward-tun.service
fi
