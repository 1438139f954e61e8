#!/bin/sh
# What udhcpc runs, with what it was given in variables: sets the address and the
# gateway. Names are left as the lab has them.
# shellcheck disable=SC2154
case $1 in
deconfig)
	ip -4 addr flush dev "$interface"
	ip link set "$interface" up
	;;
bound | renew)
	if ! ip -4 -br addr show dev "$interface" | grep -q " $ip/"; then
		ip -4 addr flush dev "$interface"
		ip addr add "$ip/$mask" dev "$interface"
	fi
	ip -4 route replace default via "${router%% *}" dev "$interface"
	;;
esac
