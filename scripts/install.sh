#!/bin/sh
# Installs, upgrades and removes homeward from a release: see --help.
# It works below /usr/local, or in one folder on a NAS; what homeward did not make
# is never touched.
set -eu

# The public keys of the releases, in base64 with spaces in between, and where
# the newest one lies; scripts/release fills them in.
KEYS=''
FROM=''

usage() {
	cat <<'TEXT'
usage: install.sh [install | uninstall] [options]

Installing again upgrades. Options:
  --from WHERE    folder or https address with the release's files
  --plane tun     use a network interface of its own (default: rootless)
  --auto-update   install releases that mend a hole by itself, at night; installing
                  again keeps that, --no-auto-update ends it
  --folder DIR    for a NAS without a service manager: program, state and a
                  start script all lie in DIR
  --key BASE64    the public key to believe instead of the built-in ones
  --no-signature  believe the checksums without a signature
  --no-start      write the files, and leave starting to you
  --purge         uninstall: remove keys and devices too; all codes become void
  --root DIR      the system's root folder, to install into an image
  --dry-run       say what would be done, and do nothing
TEXT
}

die() {
	printf 'install.sh: %s\n' "$*" >&2
	exit 1
}

# do_it runs a command, or says it.
do_it() {
	if [ -n "$dry" ]; then
		printf 'would run: %s\n' "$*"
	else
		"$@"
	fi
}

action=install plane=netstack folder='' signature=yes start=yes auto='' purge='' root='' dry=''
while [ $# -gt 0 ]; do
	case "$1" in
	install | uninstall) action=$1 ;;
	--from | --plane | --folder | --key | --root)
		[ $# -ge 2 ] || die "$1 needs a value: see --help"
		case "$1" in
		--from) FROM=$2 ;;
		--plane) plane=$2 ;;
		--folder) folder=$2 ;;
		--key) KEYS=$2 ;;
		--root) root=${2%/} ;;
		esac
		shift
		;;
	--no-signature) signature='' ;;
	--auto-update) auto=--auto-update ;;
	--no-auto-update) auto=--auto-update=false ;;
	--no-start) start='' ;;
	--purge) purge=yes ;;
	--dry-run) dry=yes ;;
	-h | --help)
		usage
		exit
		;;
	*) die "there is no option $1: see --help" ;;
	esac
	shift
done
case "$plane" in tun | netstack) ;; *) die "--plane $plane is neither tun nor netstack" ;; esac
[ -z "$auto" ] || [ -z "$folder" ] || die "--auto-update is for a service manager: on a NAS let the task planner run \"homeward update --security\" every day"
case "$folder" in '' | /*) ;; *) die "--folder $folder must begin with a slash" ;; esac
[ -z "$root" ] || start=''
if [ -z "$root$folder$dry" ] && [ "$(id -u)" != 0 ]; then
	die "it must run as root: sudo sh install.sh"
fi

program=/usr/local/bin/homeward
[ -z "$folder" ] || program=$folder/homeward

# platform names this machine as the releases do.
platform() {
	[ "$(uname -s)" = Linux ] || die "it is for Linux: on $(uname -s) take the program of the release as it is"
	case "$(uname -m)" in
	x86_64) if [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 32 ]; then echo linux-386; else echo linux-amd64; fi ;;
	aarch64) if [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 32 ]; then echo linux-armv7; else echo linux-arm64; fi ;;
	armv7* | armv8l) echo linux-armv7 ;;
	armv6*) echo linux-armv6 ;;
	i[3-6]86) echo linux-386 ;;
	riscv64) echo linux-riscv64 ;;
	*) die "there is no program for $(uname -m)" ;;
	esac
}

# fetch gets one file of the release.
fetch() {
	case "$FROM" in
	https://* | http://127.0.0.1:*)
		if command -v curl >/dev/null; then
			curl -fsSL --max-filesize 134217728 --max-time 1200 -o "$2" "$FROM/$1" || die "$FROM/$1 cannot be fetched"
		elif command -v wget >/dev/null; then
			wget -q -T 60 -O "$2" "$FROM/$1" || die "$FROM/$1 cannot be fetched"
		else
			die "curl or wget is needed to fetch the release"
		fi
		;;
	*://*) die "--from $FROM must be a folder or begin with https://" ;;
	*) cp "$FROM/$1" "$2" 2>/dev/null || die "$FROM has no $1" ;;
	esac
}

# verify believes SHA256SUMS only when a known key signed it.
verify() {
	[ -n "$signature" ] || return 0
	[ -n "$KEYS" ] || die "this install.sh knows no key: give one with --key, or believe the checksums alone with --no-signature"
	command -v openssl >/dev/null || die "openssl is needed to verify the signature (or --no-signature)"
	fetch SHA256SUMS.sig "$work/sig"
	size=$(wc -c <"$work/sig")
	for key in $KEYS; do
		# What stands before a raw key in its standard form has 12 bytes: 16 letters.
		printf -- '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n' "$key" >"$work/key"
		at=0
		while [ $((at * 64)) -lt "$size" ]; do
			dd if="$work/sig" of="$work/one" bs=64 skip="$at" count=1 2>/dev/null
			if openssl pkeyutl -verify -pubin -inkey "$work/key" -rawin -in "$work/SHA256SUMS" -sigfile "$work/one" >/dev/null 2>&1; then
				return 0
			fi
			at=$((at + 1))
		done
	done
	die "the signature is not by a known key: nothing was installed (openssl 3 or newer is needed)"
}

# get puts the verified program into $work/homeward.
get() {
	[ -n "$FROM" ] || die "say where the release is: --from FOLDER, or --from https://..."
	FROM=${FROM%/}
	name=homeward-$(platform)
	fetch SHA256SUMS "$work/SHA256SUMS"
	verify
	want=$(sed -n "s/^\([0-9a-f]\{64\}\)  $name\$/\1/p" "$work/SHA256SUMS")
	[ -n "$want" ] || die "the release has no $name"
	fetch "$name" "$work/homeward"
	got=$(sha256sum "$work/homeward" | cut -d' ' -f1)
	[ "$want" = "$got" ] || die "$name is not what SHA256SUMS says: nothing was installed"
	chmod 755 "$work/homeward"
}

# ours says whether a file there is a homeward.
ours() { "$1" version 2>/dev/null | grep -q '^homeward '; }

# place puts the program in its place, whole or not at all.
place() {
	at=$root$program
	if [ -e "$at" ] && ! ours "$at"; then
		die "$at is there and is no homeward: move it away first"
	fi
	do_it mkdir -p "$(dirname "$at")"
	do_it cp "$work/homeward" "$at.new"
	do_it chmod 755 "$at.new"
	do_it mv "$at.new" "$at"
	[ -n "$dry" ] || printf 'installed  %s\n' "$at"
}

# old_systemd says whether systemd is there but too old; Synology has one.
old_systemd() {
	[ -z "$root" ] && command -v systemctl >/dev/null || return 1
	version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
	[ "${version:-0}" -lt 235 ]
}

nas() {
	cat >&2 <<'TEXT'
install.sh: no service manager that homeward knows is here. On a NAS install into
a folder on a volume that stays, and let the system run its start script:

  sh install.sh --folder /volume1/homeward --from ...     (Synology)
  sh install.sh --folder /share/Public/homeward --from ...  (QNAP)

Synology: Control Panel, Task Scheduler, Create, Triggered Task, User-defined
script, Event: Boot-up, and as the script: sh /volume1/homeward/start.sh
QNAP: Control Panel, Hardware, "Run user defined processes during startup", and
in autorun.sh: sh /share/Public/homeward/start.sh
TEXT
	exit 1
}

# service runs "homeward service ..." and then what it says has to be run.
service() {
	tool=$work/homeward
	[ -x "$tool" ] || tool=$root$program
	said=$("$tool" service "$@" --root "${root:-/}" ${dry:+--dry-run}) || {
		[ "$?" != 2 ] || nas
		exit 1
	}
	if [ -z "$start" ] || [ -n "$dry" ]; then
		printf '%s\n' "$said"
		return
	fi
	printf '%s\n' "$said" | sed '/^Now, as root:/,$d'
	printf '%s\n' "$said" | sed -n 's/^  //p' >"$work/commands"
	while IFS= read -r command; do
		printf 'running    %s\n' "$command"
		sh -c "$command" </dev/null || die "this failed: $command"
	done <"$work/commands"
}

# stop_service ends the running one, which closes the router's port.
stop_service() {
	[ -z "$root" ] || return 0
	if [ -d /run/systemd/system ]; then
		for unit in homeward-update.timer homeward.service; do
			[ ! -e "/etc/systemd/system/$unit" ] || do_it systemctl disable --now "$unit"
		done
	elif [ -x /etc/init.d/homeward ]; then
		do_it /etc/init.d/homeward stop
		[ ! -x /sbin/rc-update ] || do_it rc-update del homeward default
	fi
}

MARK='Made by install.sh, which replaces and removes it.'

start_script() {
	cat <<TEXT
#!/bin/sh
# $MARK
# It runs homeward until it is stopped, and starts it again should it crash:
# sh start.sh [stop]. The log begins anew at each start.
cd '$folder' || exit 1
pid=\$(cat pid 2>/dev/null) && kill -0 "\$pid" 2>/dev/null || pid=
if [ "\${1:-}" = stop ]; then
	[ -n "\$pid" ] || exit 0
	kill "\$pid"
	while kill -0 "\$pid" 2>/dev/null; do sleep 1; done
	exit 0
fi
[ -z "\$pid" ] || { echo "homeward runs already"; exit 0; }
umask 077
settings=/dev/null
[ ! -e homeward.toml ] || settings='$folder/homeward.toml'
(
	trap 'kill "\$child"; wait "\$child"; rm -f pid; exit 0' TERM INT
	while :; do
		./homeward serve --state '$folder/state' --config "\$settings" \${HOMEWARD_ARGS:-} &
		child=\$!
		wait "\$child"
		sleep 5 &
		child=\$!
		wait "\$child"
	done
) >log 2>&1 </dev/null &
echo "\$!" >pid
TEXT
}

folder_install() {
	script=$root$folder/start.sh
	if [ -e "$script" ] && ! grep -q "$MARK" "$script"; then
		die "$script is there and was not made by install.sh: move it away first"
	fi
	running=$(cat "$root$folder/pid" 2>/dev/null || :)
	place
	if [ -n "$dry" ]; then
		printf 'would write %s\n' "$script"
		return
	fi
	start_script >"$script.new"
	mv "$script.new" "$script"
	printf 'installed  %s\n' "$script"
	if [ -n "$start" ]; then
		[ -z "$running" ] || sh "$script" stop
		sh "$script"
		printf 'It runs. "%s admin setup-link --state %s/state" opens its page.\n' "$program" "$folder"
	fi
	printf 'Let the system run "sh %s/start.sh" when it starts.\n' "$folder"
}

folder_uninstall() {
	script=$root$folder/start.sh
	[ ! -e "$script" ] || grep -q "$MARK" "$script" || die "$script was not made by install.sh"
	[ ! -e "$script" ] || [ -n "$root" ] || do_it sh "$script" stop
	[ ! -e "$root$program" ] || ours "$root$program" || die "$root$program is no homeward"
	do_it rm -f "$script" "$root$program" "$root$program.previous" "$root$folder/log" "$root$folder/pid"
	[ -z "$purge" ] || do_it rm -rf "$root$folder/state"
	[ -n "$dry" ] || rmdir "$root$folder" 2>/dev/null || printf 'kept       %s\n' "$root$folder"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

case "$action" in
install)
	if [ -z "$folder" ] && old_systemd; then nas; fi
	get
	if [ -n "$folder" ]; then
		folder_install
		exit
	fi
	# Whether it can be a service is known before anything is placed.
	tool=$work/homeward
	"$tool" service install --plane "$plane" --binary "$program" ${auto:+"$auto"} --root "${root:-/}" --dry-run >/dev/null || {
		[ "$?" != 2 ] || nas
		exit 1
	}
	place
	service install --plane "$plane" --binary "$program" ${auto:+"$auto"}
	;;
uninstall)
	if [ -n "$folder" ]; then
		folder_uninstall
		exit
	fi
	[ -e "$root$program" ] || die "$root$program is not there"
	ours "$root$program" || die "$root$program is no homeward: it stays"
	stop_service
	service uninstall ${purge:+--purge}
	do_it rm -f "$root$program" "$root$program.previous"
	;;
esac
