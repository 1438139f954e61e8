#!/bin/sh
# resolvconf for the phone, as wg-quick calls it: "-a IFACE -m 0 -x" with the
# tunnel's servers on stdin, and "-d IFACE -f". Changes the phone's own file in
# place, since ip-netns has mounted it over /etc/resolv.conf.
before=$(dirname "$0")/resolv.conf.before
case $1 in
-a)
	[ -e "$before" ] || cp /etc/resolv.conf "$before"
	cat >/etc/resolv.conf
	;;
-d)
	[ -e "$before" ] || exit 0
	cat "$before" >/etc/resolv.conf
	rm "$before"
	;;
esac
