# watchdog ID DIR: waits until the test ends, however it ends, and removes the
# lab: every process in its namespaces, the namespaces, and its files.
trap '' INT TERM HUP
cat >/dev/null
for ns in $(ip netns list | cut -d' ' -f1 | grep "^$1-"); do
	for pid in $(ip netns pids "$ns"); do kill -9 "$pid" 2>/dev/null; done
	ip netns del "$ns"
done
rm -rf "$2" /etc/netns/"$1"-*
rm -f /var/run/wireguard/"$1".sock
