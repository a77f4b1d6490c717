#!/bin/busybox sh
# The lab's own door to a host with its own kernel: a link and an sshd that nothing which a test does to the host's
# network can shut. The link is in a network namespace of its own, where the host's programs do not see it; the
# sessions are where those are.
set -eu
nsenter --net=/proc/1/ns/net /sbin/ip link set vec9 netns $$
/sbin/ip -batch - <<LINES
link set lo up
addr add 169.254.0.2/30 dev vec9
link set vec9 up
LINES
exec nc -ll -p 22 -e /usr/bin/nsenter --net=/proc/1/ns/net /usr/sbin/sshd -i -f /run/lab/sshd_config
