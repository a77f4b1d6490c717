#!/bin/sh
# Process 1 of the lab's guest: reads the NoCloud seed, opens sshd, gets an address, runs the user data, and waits for
# the power button. Every command is a fork, and a fork is dear under emulation, so there are few.
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
keys='(ssh-(ed25519|rsa|dss)|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+) AAAA[A-Za-z0-9+/=]+'
state=/var/lib/cloud

# stop ends the guest the orderly way; busybox' poweroff, halt and reboot ask for it with these signals.
stop() {
	trap '' USR1 USR2 TERM INT
	echo "eucactl guest: $1"
	kill -TERM -1
	usleep 100000
	sync
	mount -o remount,ro /
	exec "$1" -f
}
trap 'stop poweroff' USR2
trap 'stop halt' USR1
trap 'stop reboot' TERM INT

# value prints what follows the name $1 in the line $2 of YAML or JSON, without its quotes.
value() {
	rest=${2#*"$1"}
	rest=${rest#*:}
	rest=${rest#"${rest%%[!\"\' ]*}"}
	echo "${rest%%[\"\',\} ]*}"
}

# find_seed mounts the disk labelled cidata on /run/seed.
find_seed() {
	device=$(findfs LABEL=cidata 2>/dev/null) || device=$(findfs LABEL=CIDATA 2>/dev/null) || return
	if ! mount -t vfat -o ro "$device" /run/seed 2>/dev/null; then
		modprobe isofs
		mount -t iso9660 -o ro "$device" /run/seed || return
	fi
	[ -f /run/seed/meta-data ]
}

# get prints a leaf of EC2's metadata service. (The -T option of Debian's static wget crashes.)
get() {
	timeout 3 wget -q -O - "http://169.254.169.254/latest/$1" 2>/dev/null
}

# ask_metadata fills /run/seed from the service, for a guest without a seed disk.
ask_metadata() {
	instance=$(get meta-data/instance-id) || return
	{
		echo "instance-id: $instance"
		echo "local-hostname: $(get meta-data/local-hostname)"
		get meta-data/public-keys/0/openssh-key
	} >/run/seed/meta-data
	get user-data >/run/seed/user-data
}

# read_seed takes the hostname and the login keys. A new instance id means a first boot: host keys are made anew
# and the user data is due.
read_seed() {
	instance='' hostname=''
	while read -r line || [ -n "$line" ]; do
		case $line in *instance-id*) instance=$(value instance-id "$line") ;; esac
		case $line in *local-hostname*) hostname=$(value local-hostname "$line") ;; esac
	done </run/seed/meta-data
	[ -z "$hostname" ] || hostname "$hostname"
	first=''
	[ ! -f /run/seed/user-data ] || read -r first </run/seed/user-data
	config=''
	case $first in '#cloud-config'*) config=/run/seed/user-data ;; esac
	# shellcheck disable=SC2086
	grep -ohE "$keys" /run/seed/meta-data $config >/root/.ssh/authorized_keys
	booted=''
	[ ! -f $state/instance-id ] || read -r booted <$state/instance-id
	due=''
	if [ "$booted" != "$instance" ]; then
		rm -f /etc/dropbear/*_key
		echo "$instance" >$state/instance-id
		case $first in '#!'*) due=yes ;; esac
	fi
}

run_user_data() {
	cp /run/seed/user-data $state/user-data
	chmod 700 $state/user-data
	$state/user-data </dev/null
	echo "eucactl guest: user data ended with status $?"
}

# watch_power waits for the ACPI power button, which virsh shutdown presses.
watch_power() {
	modprobe -a button evdev
	for event in /sys/class/input/event*; do
		read -r name <"$event/device/name" || continue
		if [ "$name" = 'Power Button' ]; then
			dd if="/dev/input/${event##*/}" of=/dev/null bs=24 count=1 2>/dev/null && kill -USR2 1
			return
		fi
	done
}

mount -t sysfs sys /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/seed /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
hostname guest
due=''
if find_seed; then
	read_seed
	seeded=yes
else
	seeded=''
fi
dropbear -R -s
ip link set lo up
udhcpc -i eth0 -t 30 -T 1 -A 2 -b -S -s /etc/udhcpc.sh >/dev/null 2>&1
if [ -z "$seeded" ] && ask_metadata; then
	read_seed
fi
address=none
[ ! -f /run/address ] || read -r address </run/address
echo "eucactl guest ready: $(hostname) $address"
watch_power &
[ -z "$due" ] || run_user_data &

while :; do
	sleep 3600 &
	wait $!
done
