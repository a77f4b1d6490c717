#!/bin/bash
# The main job, on hosts that it makes itself: from nothing to the words of a guest
# that eucactl placed, addressed, firewalled and started over SSH.
set -euo pipefail
cd "$(dirname "$0")/.."
export LAB=${LAB:-eucalab}
START=$SECONDS

step() { printf '\n== %s  (%d s)\n' "$1" $((SECONDS - START)); }
shown() { printf '$ eucactl %s\n' "$*" && bin/demo "$@"; }

step "a lab: frontend fe1, nodes node1 and node2, and an outside client"
e2e/lab.sh >/dev/null
DIR=/var/tmp/eucactl-lab/$LAB

step "enrol the hosts' SSH keys, and look at the hosts"
shown hosts scan --yes
shown reconcile
shown describe-availability-zones -v

step "register the guest's images"
KERNEL=$(bin/demo -q register --type kernel "$DIR/images/kernel")
RAMDISK=$(bin/demo -q register --type ramdisk "$DIR/images/ramdisk")
IMAGE=$(bin/demo -q register --name tiny --kernel "$KERNEL" --ramdisk "$RAMDISK" "$DIR/images/machine.img")
shown describe-images

step "a key pair, and what the world may reach"
if ! bin/demo -q describe-keypairs demo >/dev/null 2>&1; then
	rm -f "$DIR/demo.pem"
	shown create-keypair demo -f "$DIR/demo.pem"
fi
bin/demo describe-group default | grep -q 'ALLOWS.tcp.22' || shown authorize default -P tcp -p 22
bin/demo describe-group default | grep -q 'ALLOWS.icmp' || shown authorize default -P icmp

step "what run-instances would do, host by host"
shown run-instances "$IMAGE" -k demo --check

step "run it"
echo "\$ eucactl run-instances $IMAGE -k demo --wait"
ID=$(bin/demo -q run-instances "$IMAGE" -k demo --wait)
shown describe-instances "$ID"
IP=$(bin/demo describe-instances "$ID" | awk -F '\t' '$1 == "INSTANCE" { print $4 }')

step "wait until the guest answers on $IP, asked from outside"
# The client has no files of ours: its key comes on standard input.
bin/lab exec --name "$LAB" client -- sh -c 'umask 077; cat >/root/demo.pem' <"$DIR/demo.pem"
guest() {
	bin/lab exec --name "$LAB" client -- ssh -q -i /root/demo.pem -o BatchMode=yes -o ConnectTimeout=2 \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "root@$IP" "$@"
}
for _ in $(seq 60); do
	guest true 2>/dev/null && break
	printf .
	sleep 1
done
echo

step "the guest's own words"
# shellcheck disable=SC2016 # the guest's own shell expands it
if ! guest 'echo "I am $(hostname), my address is $(ip -4 -o addr show eth0 | awk "{print \$4}"), up $(cut -d. -f1 /proc/uptime) s"'; then
	echo "the guest does not answer; its console:" >&2
	bin/demo get-console-output "$ID" >&2
	exit 1
fi

step "done"
shown describe-instances
cat <<END

Next, for example:
  bin/demo describe-group default
  bin/demo run-instances $IMAGE -k demo -n 2 --wait
  bin/demo terminate-instances $ID --wait
Into the guest:  bin/lab exec --name $LAB client -- ssh -o StrictHostKeyChecking=accept-new -i /root/demo.pem root@$IP
Remove it all:   make demo-down LAB=$LAB
END
