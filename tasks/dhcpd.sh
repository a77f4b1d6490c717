# dhcpd daemon user interfaces content:lazy
#
# ISC dhcpd serves INTERFACES (several separated by spaces) with exactly the
# configuration CONTENT. DAEMON is its path (VNET_DHCPDAEMON). USER is whom it
# runs as (VNET_DHCPUSER): for any but root dhcpd starts with -user, makes the
# lease file that user's, and drops root by itself. The directory stays root's,
# so such a daemon appends to its lease file but cannot rewrite it; what it
# needs it read as root, and fixed addresses are never written there.
#
# Looks at: $RUN_DIR/eucactl-dhcpd.conf by its sum, the processes in this
#           network namespace whose command line names that file, and the marker
#           $HOST_DIR/dhcpd: sum, process, its start time, and the arguments of
#           the daemon that was started last. Running with this configuration
#           means that all of it agrees.
# Changes:  makes $RUN_DIR (0755); tests a new configuration beside the old one
#           and only then stops our daemon, swaps and starts it. If it does not
#           start, the old one serves again and the task fails. Leases are kept
#           in $RUN_DIR/eucactl-dhcpd.leases. Debian's AppArmor profile for dhcpd
#           allows these places.
# Never:    stops a dhcpd that serves another configuration file.

# dhcpd_sane DAEMON USER INTERFACES
dhcpd_sane() {
	case $1 in
	*dhcp*) ;;
	*) echo "dhcpd: '$1' is not a dhcpd (vnet_dhcpdaemon)"; return 2 ;;
	esac
	command -v "$1" >/dev/null || { echo "dhcpd: there is no $1 on this host: apt-get install isc-dhcp-server"; return 2; }
	case $2 in
	'' | -* | *[!A-Za-z0-9_.-]*) echo "dhcpd: bad user '$2' (vnet_dhcpuser)"; return 2 ;;
	esac
	case $3 in
	'' | -* | *' -'* | *[!A-Za-z0-9_.:\ -]*) echo "dhcpd: bad interfaces '$3'"; return 2 ;;
	esac
}

# dhcpd_find: the ids of our daemons into dhcpd_pids, separated by spaces. It is
# ours if its command line names our file and it lives in our network.
dhcpd_find() {
	dhcpd_pids=
	dhcpd_net=$(readlink /proc/self/ns/net) || return 2
	for dhcpd_dir in /proc/[0-9]*; do
		# Processes may end while we look.
		read -r dhcpd_comm 2>/dev/null <"$dhcpd_dir/comm" || continue
		case $dhcpd_comm in *dhcp*) ;; *) continue ;; esac
		# A dead one that nobody waited for yet has no command line any more.
		read -r dhcpd_stat 2>/dev/null <"$dhcpd_dir/stat" || continue
		case ${dhcpd_stat##*) } in Z*) continue ;; esac
		dhcpd_line=$(tr '\0' '\n' <"$dhcpd_dir/cmdline") || [ ! -e "$dhcpd_dir" ] || return 2
		case $dhcpd_line in *"
$RUN_DIR/eucactl-dhcpd.conf
"*) ;; *) continue ;; esac
		[ "$(readlink "$dhcpd_dir/ns/net")" = "$dhcpd_net" ] || continue
		dhcpd_pids="$dhcpd_pids${dhcpd_pids:+ }${dhcpd_dir#/proc/}"
	done
}

# dhcpd_born PID: its start time, in ticks since boot.
dhcpd_born() {
	read -r dhcpd_stat 2>/dev/null <"/proc/$1/stat" || return 0
	# The name in parentheses may contain anything.
	# shellcheck disable=SC2086
	set -- ${dhcpd_stat##*) }
	echo "${20}"
}

# dhcpd_marker SUM DAEMON USER INTERFACES: what the marker says of the daemon
# that runs now, if it was started with these.
dhcpd_marker() { echo "$1 $dhcpd_pids $(dhcpd_born "$dhcpd_pids") $2 $3 $4"; }

# dhcpd_serves SUM DAEMON USER INTERFACES: exactly one daemon of ours, with this.
dhcpd_serves() {
	case $dhcpd_pids in '' | *' '*) return 1 ;; esac
	dhcpd_was=
	! [ -e "$HOST_DIR/dhcpd" ] || read -r dhcpd_was <"$HOST_DIR/dhcpd" || :
	[ "$dhcpd_was" = "$(dhcpd_marker "$@")" ]
}

check_dhcpd() {
	dhcpd_sane "$1" "$2" "$3" >&2 || return 2
	dhcpd_find || return 2
	sum_of "$RUN_DIR/eucactl-dhcpd.conf" || return 2
	[ "$sum_of" = "$4" ] || return 1
	dhcpd_serves "$4" "$1" "$2" "$3"
}

# dhcpd_stop: ends our daemons. Leases are on disk before they are promised, so
# one that does not listen may be killed.
dhcpd_stop() {
	dhcpd_signal=TERM dhcpd_left=50
	while :; do
		dhcpd_find || return 2
		[ -n "$dhcpd_pids" ] || break
		if [ "$dhcpd_left" = 0 ] && [ "$dhcpd_signal" = KILL ]; then
			echo "dhcpd: process $dhcpd_pids cannot be killed"
			return 1
		elif [ "$dhcpd_left" = 0 ]; then
			dhcpd_signal=KILL dhcpd_left=50
		fi
		# shellcheck disable=SC2086 # several processes
		case $dhcpd_left in 50) kill -s "$dhcpd_signal" $dhcpd_pids || : ;; esac
		dhcpd_left=$((dhcpd_left - 1))
		sleep 0.1 2>/dev/null || sleep 1
	done
}

# dhcpd_quietly COMMAND...: what it says is shown if it fails, without the
# banner and the advice. (With its option -q it would not say what is wrong.) A
# daemon closes its output once it serves, so this ends.
dhcpd_quietly() {
	dhcpd_words=$("$@" 2>&1) && return
	printf '%s\n' "$dhcpd_words" | sed '/^Internet Systems Consortium/d; /^Copyright /d; /^All rights reserved/d
		/^For info, please visit/d; /^Config file: /d; /^Database file: /d; /^PID file: /d; /^$/d
		/^If you think you have received/,$d; /^Not configured to listen/b; /^Wrote [0-9]* /d'
	return 1
}

# dhcpd_start SUM DAEMON USER INTERFACES: starts it with the file in place and
# leaves the marker. dhcpd itself waits until its child serves.
dhcpd_start() {
	# A stale file whose number another process got would keep it from starting.
	rm -f "$RUN_DIR/eucactl-dhcpd.pid"
	[ -e "$RUN_DIR/eucactl-dhcpd.leases" ] || : >"$RUN_DIR/eucactl-dhcpd.leases"
	chmod 644 "$RUN_DIR/eucactl-dhcpd.leases"
	dhcpd_user=
	[ "$3" = root ] || dhcpd_user="-user $3"
	# shellcheck disable=SC2086 # words, checked by dhcpd_sane
	dhcpd_quietly "$2" $dhcpd_user -cf "$RUN_DIR/eucactl-dhcpd.conf" -lf "$RUN_DIR/eucactl-dhcpd.leases" \
		-pf "$RUN_DIR/eucactl-dhcpd.pid" $4 || return 1
	dhcpd_find
	if [ -z "$dhcpd_pids" ]; then
		echo "dhcpd: it started and ended at once, see the host's log"
		return 1
	fi
	dhcpd_marker "$@" >"$HOST_DIR/dhcpd.new"
	mv -f "$HOST_DIR/dhcpd.new" "$HOST_DIR/dhcpd"
}

# dhcpd_place SUM: the new configuration, tested, beside the old one. The name
# is removed first and made without following a link.
dhcpd_place() {
	rm -f "$RUN_DIR/eucactl-dhcpd.conf.new"
	(set -C && blob "$1" >"$RUN_DIR/eucactl-dhcpd.conf.new")
	sum_of "$RUN_DIR/eucactl-dhcpd.conf.new"
	[ "$sum_of" = "$1" ] || die "dhcpd: the configuration could not be written whole"
	chmod 644 "$RUN_DIR/eucactl-dhcpd.conf.new"
}

apply_dhcpd() {
	dhcpd_sane "$1" "$2" "$3"
	dhcpd_conf=$RUN_DIR/eucactl-dhcpd.conf
	mkdir -p "$HOST_DIR" "$RUN_DIR"
	chmod 755 "${RUN_DIR%/*}" "$RUN_DIR"
	dhcpd_place "$4"
	dhcpd_quietly "$1" -t -cf "$dhcpd_conf.new" || {
		echo "dhcpd: the new configuration is wrong; the old one stays in force"
		rm -f "$dhcpd_conf.new"
		return 1
	}
	dhcpd_find
	# A file that was changed by hand is set right without a restart.
	if dhcpd_serves "$4" "$1" "$2" "$3"; then
		mv -f "$dhcpd_conf.new" "$dhcpd_conf"
		return 0
	fi
	dhcpd_was=
	[ -z "$dhcpd_pids" ] || ! [ -e "$HOST_DIR/dhcpd" ] || read -r dhcpd_was <"$HOST_DIR/dhcpd" || :
	[ -z "$dhcpd_was" ] || cp -f "$dhcpd_conf" "$dhcpd_conf.old" || dhcpd_was=
	dhcpd_stop
	mv -f "$dhcpd_conf.new" "$dhcpd_conf"
	dhcpd_start "$4" "$1" "$2" "$3" || dhcpd_back
	rm -f "$dhcpd_conf.old"
}

# dhcpd_back: the new one did not start; what served before serves again.
dhcpd_back() {
	if [ -n "$dhcpd_was" ]; then
		mv -f "$dhcpd_conf.old" "$dhcpd_conf"
		# shellcheck disable=SC2086 # sum, process, time, daemon, user, interfaces
		set -- $dhcpd_was
		dhcpd_was="$1 $4 $5"
		shift 5
		# shellcheck disable=SC2086
		dhcpd_start $dhcpd_was "$*" && echo "dhcpd: it did not start; the old configuration is in force again"
	fi
	return 1
}

diff_dhcpd() { ! [ -e "$RUN_DIR/eucactl-dhcpd.conf" ] || cat "$RUN_DIR/eucactl-dhcpd.conf"; }
