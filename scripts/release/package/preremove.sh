#!/bin/sh
# Before the package's files go. dpkg says "remove", rpm says 0; an upgrade is
# no removal. homeward closes the router's port when it ends.
set -e
[ "$1" = remove ] || [ "$1" = 0 ] || exit 0
[ -d /run/systemd/system ] || exit 0
systemctl disable --now homeward.service homeward-tun.service
