#!/bin/busybox sh
# Boots one lab host that has a kernel of its own: it is that kernel's process 1 and stays. Forks cost a hundred times
# what they cost outside, so everything is said in few and small programs. busybox runs its own mount, cat and so on
# before those in PATH, and finds itself through /proc, which therefore comes first.
#
# Environment: LAB_HOST  the host's name
#              LAB_RUN   folder of the lab on the machine with this host's network, door and key files
#              LAB_LIBVIRT  1 starts libvirtd
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
/bin/busybox mount -t proc proc /proc
hostname "$LAB_HOST"

# The machine's files, read through hostfs, lie below; what the host changes lies on a disk of its own.
insmod "/usr/lib/uml/modules/$(uname -r)/kernel/fs/overlayfs/overlay.ko"
mount -t ext4 -o "$LAB_MOUNT" /dev/ubda /mnt
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work,index=off,xino=off "lab:$LAB_HOST" /mnt/root
cd /mnt/root
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -t devtmpfs -o mode=755 devtmpfs dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mkdir dev/pts dev/shm dev/net
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mknod -m 666 dev/net/tun c 10 200
rm -f dev/ptmx
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mkdir run/lab run/lock run/sshd run/sudo run/netns run/eucalyptus run/libvirt run/user
chmod 1777 run/lock
cp "$LAB_RUN/network" "$LAB_RUN/key" "$LAB_RUN/sshd_config" "$LAB_RUN/door.sh" run/lab/

# The old root lands on top of the new one; detaching it leaves the host without a way back.
pivot_root . .
umount -l .
cd /
ip() { /sbin/ip "$@"; }
ip -batch /run/lab/network

# The lab's key logs in as root and ops after every boot, so a test that locked itself out gets back in.
read -r key </run/lab/key
for home in /root /home/ops; do
	present=
	read -r present 2>/dev/null <$home/.ssh/authorized_keys || :
	if [ "$present" != "$key" ]; then
		mkdir -p $home/.ssh
		cp /run/lab/key $home/.ssh/authorized_keys
		chown -R "$(stat -c %u $home)" $home/.ssh
		chmod -R go-rwx $home/.ssh
	fi
done

unset LAB_RUN LAB_MOUNT TERM
export HOME=/root USER=root LOGNAME=root SHELL=/bin/sh PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unshare -n /bin/busybox sh /run/lab/door.sh </dev/null &
door=$!
/usr/sbin/sshd -E /var/log/sshd.log </dev/null
if [ -n "${LAB_LIBVIRT:-}" ]; then
	virtlogd -d </dev/null
	libvirtd -d </dev/null
	until [ -S /run/libvirt/libvirt-sock ]; do sleep 0.05; done
fi
# sshd writes it when it listens. The door's ports are in the table of its own network.
until [ -s /run/sshd.pid ] && cat /proc/$door/net/tcp /proc/$door/net/tcp6 2>/dev/null | grep -q ':0016 0*:0000 0A '; do
	sleep 0.05
done
echo "lab: $LAB_HOST is up"
unset LAB_HOST LAB_LIBVIRT

# Process 1 takes in orphans. The loop is for a test that kills every process it can.
set +e
while :; do
	sleep 1000000 >/dev/null 2>&1 &
	wait $!
done
