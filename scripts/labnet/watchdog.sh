# shellcheck shell=sh
# watchdog ID DIR: waits until the test ends, however it ends, and removes the
# lab: every process in its namespaces, the namespaces, and its files. The note
# of who owns the lab goes last, so that an interrupted removal is found again.
trap '' INT TERM HUP
cat >/dev/null

# inside prints the processes in the lab's namespaces.
inside() {
	for ns in /run/netns/"$1"-*; do
		[ -e "$ns" ] && ip netns pids "${ns##*/}" 2>/dev/null
	done
}

# end SIGNAL ID TRIES: signals all of them until they are gone.
end() {
	tries=$3
	while pids=$(inside "$2") && [ -n "$pids" ] && [ "$tries" -gt 0 ]; do
		# shellcheck disable=SC2086 # a list
		kill -s "$1" $pids 2>/dev/null
		tries=$((tries - 1))
		sleep 0.1
	done
}

end TERM "$1" 10
end KILL "$1" 50
for ns in /run/netns/"$1"-*; do
	[ -e "$ns" ] && ip netns del "${ns##*/}"
done
rm -f /var/run/wireguard/"$1"*.sock
rm -rf "$2" /etc/netns/"$1"-*
rm -rf /run/homeward-lab/"$1"
