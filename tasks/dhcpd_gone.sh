# dhcpd_gone
#
# No dhcpd of ours runs: this host has nobody to serve.
#
# Looks at: the processes in this network namespace whose command line names
#           $RUN_DIR/eucactl-dhcpd.conf, and whether that file exists.
# Changes:  stops these processes, removes the configuration and the marker.
#           The lease file stays.
# Never:    stops a dhcpd that serves another configuration file.

# dhcpd_gone_find: the ids of our daemons into dhcpd_gone_pids.
dhcpd_gone_find() {
	dhcpd_gone_pids=
	dhcpd_gone_net=$(readlink /proc/self/ns/net) || return 2
	for dhcpd_gone_dir in /proc/[0-9]*; do
		# Processes may end while we look.
		read -r dhcpd_gone_comm 2>/dev/null <"$dhcpd_gone_dir/comm" || continue
		case $dhcpd_gone_comm in *dhcp*) ;; *) continue ;; esac
		# A dead one that nobody waited for yet has no command line any more.
		read -r dhcpd_gone_stat 2>/dev/null <"$dhcpd_gone_dir/stat" || continue
		case ${dhcpd_gone_stat##*) } in Z*) continue ;; esac
		dhcpd_gone_line=$(tr '\0' '\n' <"$dhcpd_gone_dir/cmdline") || [ ! -e "$dhcpd_gone_dir" ] || return 2
		case $dhcpd_gone_line in *"
$RUN_DIR/eucactl-dhcpd.conf
"*) ;; *) continue ;; esac
		[ "$(readlink "$dhcpd_gone_dir/ns/net")" = "$dhcpd_gone_net" ] || continue
		dhcpd_gone_pids="$dhcpd_gone_pids${dhcpd_gone_pids:+ }${dhcpd_gone_dir#/proc/}"
	done
}

check_dhcpd_gone() {
	dhcpd_gone_find || return 2
	[ -z "$dhcpd_gone_pids" ] && ! [ -e "$RUN_DIR/eucactl-dhcpd.conf" ]
}

apply_dhcpd_gone() {
	dhcpd_gone_signal=TERM dhcpd_gone_left=50
	while :; do
		dhcpd_gone_find || return 2
		[ -n "$dhcpd_gone_pids" ] || break
		if [ "$dhcpd_gone_left" = 0 ] && [ "$dhcpd_gone_signal" = KILL ]; then
			echo "dhcpd: process $dhcpd_gone_pids cannot be killed"
			return 1
		elif [ "$dhcpd_gone_left" = 0 ]; then
			dhcpd_gone_signal=KILL dhcpd_gone_left=50
		fi
		# shellcheck disable=SC2086 # several processes
		case $dhcpd_gone_left in 50) kill -s "$dhcpd_gone_signal" $dhcpd_gone_pids || : ;; esac
		dhcpd_gone_left=$((dhcpd_gone_left - 1))
		sleep 0.1 2>/dev/null || sleep 1
	done
	rm -f "$RUN_DIR/eucactl-dhcpd.conf" "$RUN_DIR/eucactl-dhcpd.conf.new" "$RUN_DIR/eucactl-dhcpd.conf.old" \
		"$RUN_DIR/eucactl-dhcpd.pid" "$HOST_DIR/dhcpd"
}

diff_dhcpd_gone() { ! [ -e "$RUN_DIR/eucactl-dhcpd.conf" ] || sed 's/^/-/' "$RUN_DIR/eucactl-dhcpd.conf"; }
