#!/bin/sh
# Boots one lab host. It runs as process 1 of new pid, mount, uts and ipc namespaces, inside the host's fresh network
# namespace, and stays: when it ends, the kernel ends every process of the host.
#
# Environment: LAB_HOST  the host's name
#              LAB_DISK  folder with upper, work and root
#              LAB_RUN   folder of the lab with this host's pid, boot_id and network files
#              LAB_LIBVIRT  1 starts libvirtd
#              LAB_DHCP  1 starts dhcpd
#              LAB_SYSTEMD  1 hands over to systemd
set -eu
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022

# /proc is still the machine's, so this is the process id as the machine sees it; with its start time it names this
# process and no later one. The command name in parentheses has no spaces here.
read -r stat </proc/self/stat
# shellcheck disable=SC2086
set -- $stat
printf '%s %s\n' "$1" "${22}" >"$LAB_RUN/pid"

hostname "$LAB_HOST"
ip -batch "$LAB_RUN/network"

root=$LAB_DISK/root
mount -t overlay -o "lowerdir=/,upperdir=$LAB_DISK/upper,workdir=$LAB_DISK/work,index=off,xino=off" "lab:$LAB_HOST" "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
[ -z "${LAB_SYSTEMD:-}" ] || mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts

# Hosts share the machine's kernel: a boot id of the host's own goes over the kernel's, and what would reach beyond
# the host's namespaces is made read-only.
mkdir run/lab
cp "$LAB_RUN/boot_id" run/lab/boot_id
mount --bind run/lab/boot_id proc/sys/kernel/random/boot_id
for path in proc/sys/kernel proc/sys/vm proc/sys/fs proc/sysrq-trigger; do
	[ -e "$path" ] || continue
	mount --rbind "$path" "$path"
	mount -o remount,bind,ro "$path"
done

# Network sysctls begin as the kernel's defaults, whatever the machine has set for itself. Forwarding comes first
# because writing it resets others.
echo 0 >proc/sys/net/ipv4/ip_forward
for conf in proc/sys/net/ipv4/conf/*; do
	echo 1 >"$conf/send_redirects"
	echo 1 >"$conf/accept_redirects"
	echo 0 >"$conf/rp_filter"
	echo 0 >"$conf/route_localnet"
	echo 0 >"$conf/proxy_arp"
done

mkdir -p run/lock run/sshd run/sudo run/netns run/eucalyptus run/libvirt run/user
chmod 1777 run/lock

# The old root lands on top of the new one; detaching it leaves the host without a way back.
# shellcheck disable=SC2039,SC3046
pivot_root . .
umount -l .
cd /
unset LAB_DISK LAB_RUN
export HOME=/root USER=root LOGNAME=root SHELL=/bin/sh PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

/usr/sbin/sshd -D -E /var/log/sshd.log </dev/null >/dev/null 2>&1 &
if [ -n "${LAB_LIBVIRT:-}" ]; then
	{
		virtlogd -d
		libvirtd -d
	} </dev/null &
fi
if [ -n "${LAB_DHCP:-}" ]; then
	dhcpd -q eth0 </dev/null
fi
if [ -n "${LAB_SYSTEMD:-}" ]; then
	# A target without dependencies: no udev, no journal, nothing that reaches for the machine.
	printf '[Unit]\nDefaultDependencies=no\n' >/etc/systemd/system/lab.target
	exec env -i container=lab PATH="$PATH" /lib/systemd/systemd --unit=lab.target --log-target=null
fi
unset LAB_HOST LAB_LIBVIRT LAB_DHCP

# Process 1 takes in orphans. The loop is for a test that kills every process it can.
set +e
while :; do
	sleep infinity >/dev/null 2>&1 &
	wait $!
done
