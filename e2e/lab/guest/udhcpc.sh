#!/bin/sh
# What busybox' udhcpc calls with an answer in its environment.
# shellcheck disable=SC2154
case $1 in
deconfig)
	ifconfig "$interface" 0.0.0.0 up
	;;
bound | renew)
	ifconfig "$interface" "$ip" netmask "$subnet" broadcast "${broadcast:-+}"
	for gateway in $router; do
		ip route replace default via "$gateway" dev "$interface" onlink
		break
	done
	{
		[ -z "$domain" ] || echo "search $domain"
		for server in $dns; do echo "nameserver $server"; done
	} >/etc/resolv.conf
	if [ "$(hostname)" = guest ] && [ -n "$hostname" ]; then
		hostname "$hostname"
	fi
	echo "$ip" >/run/address
	;;
esac
