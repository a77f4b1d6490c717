#!/bin/busybox sh
# First stage of the lab's guest, in the ramdisk image: load the drivers, find the root disk, go on there. Every
# command is a fork, and a fork is dear under emulation, so there are few.
busybox=/bin/busybox
$busybox mount -t devtmpfs dev /dev
$busybox mount -t proc proc /proc
read -r cmdline </proc/cmdline
root=/dev/vda
for word in $cmdline; do
	case $word in
	root=*) root=${word#root=} ;;
	esac
done
# MODULES is written when the image is built.
# shellcheck disable=SC2086
$busybox modprobe -a $MODULES
tries=0
until $busybox mount -t ext4 -o noatime "$root" /root 2>/dev/null; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ]; then
		echo "eucactl guest: no ext4 file system on $root"
		$busybox poweroff -f
	fi
	$busybox usleep 20000
done
$busybox mount --move /dev /root/dev
$busybox mount --move /proc /root/proc
exec $busybox switch_root /root /sbin/init
