package e2e

import (
	"math/rand/v2"
	"strings"
)

// A wreck is damage done to a host behind our back, as a shell script, with $ID an instance that runs there and $DIR its
// folder. What reconcile cannot mend, because it is not ours to decide, heal takes back.
type wreck struct {
	name string
	role string // of the host: frontend or node
	do   string
	heal string
}

// wrecks are what hands, crashes and other tools do to hosts.
func wrecks() []wreck {
	frontend := []wreck{
		{"chain emptied", "", "iptables -F EUCA-FORWARD", ""},
		{"group chain emptied", "", "iptables -F admin-default", ""},
		{"rule deleted", "", "iptables -D EUCA-FORWARD 2", ""},
		{"rule added to ours", "", "iptables -I admin-default 2 -p tcp --dport 1234 -j ACCEPT", ""},
		{"first rule, with our mark, deleted", "", "iptables -D EUCA-INPUT 1", ""},
		{"forward hook deleted", "", "iptables -D FORWARD -j EUCA-FORWARD", ""},
		{"input hook twice", "", "iptables -A INPUT -j EUCA-INPUT", ""},
		{"hook not first", "", "iptables -I FORWARD 1 -s 192.0.2.1 -j ACCEPT", "iptables -D FORWARD -s 192.0.2.1 -j ACCEPT"},
		{"translations emptied", "", "iptables -t nat -F EUCA-PREROUTING", ""},
		{"all of nat flushed", "", "iptables -t nat -F", ""},
		{"all rules flushed", "", "iptables -F; iptables -t nat -F", ""},
		{"all chains deleted", "", "iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X", ""},
		{"all chains and sets deleted", "", "iptables -F; iptables -X; ipset destroy", ""},
		{"members removed", "", "ipset flush $(ipset -n list | head -n 1)", ""},
		{"member added", "", "ipset add $(ipset -n list | head -n 1) 10.50.9.9", ""},
		{"set of a gone group", "", "ipset create EUCA-sg-00000000 hash:ip", ""},
		{"gateway removed", "", "ip addr del 10.50.1.1/27 dev eth0", ""},
		{"public addresses removed", "", "for a in $(ip -4 -o addr show dev eth1 | awk '$4 ~ /\\/32$/ { print $4 }'); do ip addr del $a dev eth1; done", ""},
		{"forwarding off", "", "echo 0 >/proc/sys/net/ipv4/ip_forward", ""},
		{"redirects on", "", "echo 1 >/proc/sys/net/ipv4/conf/all/send_redirects; echo 1 >/proc/sys/net/ipv4/conf/eth0/send_redirects", ""},
		{"dhcpd killed", "", "pkill -9 dhcpd; while pgrep dhcpd >/dev/null; do sleep 0.1; done", ""},
		{"dhcpd.conf removed", "", "rm /run/eucalyptus/net/eucactl-dhcpd.conf", ""},
		{"dhcpd.conf edited", "", "echo '# edited' >>/run/eucalyptus/net/eucactl-dhcpd.conf", ""},
		{"dhcpd.conf removed, its folder closed", "", "rm /run/eucalyptus/net/eucactl-dhcpd.conf; chmod 700 /run/eucalyptus/net", ""},
		{"all files of dhcpd removed", "", "rm -rf /run/eucalyptus", ""},
		{"marker of dhcpd removed", "", "rm /var/lib/eucactl/host/dhcpd", ""},
		{"memory of chains removed", "", "rm -rf /var/lib/eucactl/host/chains", ""},
		{"memory of chains cut off", "", "truncate -s 100 /var/lib/eucactl/host/chains/filter", ""},
		{"memory of chains garbled", "", "echo garbage >/var/lib/eucactl/host/chains/nat", ""},
		{"all memory removed", "", "rm -rf /var/lib/eucactl/host", ""},
		{"tool missing", "", "mv /usr/sbin/ipset /usr/sbin/ipset.away", "mv /usr/sbin/ipset.away /usr/sbin/ipset"},
	}
	node := []wreck{
		{"machine destroyed", "", "virsh -q destroy $ID", ""},
		{"machine destroyed and undefined", "", "virsh -q destroy $ID; virsh -q undefine $ID", ""},
		{"machine undefined while it runs", "", "virsh -q undefine $ID", ""},
		{"machine paused", "", "virsh -q suspend $ID", "virsh -q resume $ID"},
		{"emulator killed", "", "pid=$(cat /run/libvirt/qemu/$ID.pid); kill -9 $pid; while virsh -q domstate $ID 2>/dev/null | grep -qv 'shut off'; do sleep 0.1; done", ""},
		{"folder removed", "", "rm -rf $DIR", ""},
		{"folder removed, machine destroyed", "", "virsh -q destroy $ID; rm -rf $DIR", ""},
		{"all folders removed", "", "rm -rf /var/lib/eucalyptus/instances", ""},
		{"disk removed", "", "virsh -q destroy $ID; rm $DIR/disk", ""},
		{"seed removed", "", "rm $DIR/seed.img", ""},
		{"seed's mark removed", "", "rm $DIR/seed.img.sum", ""},
		{"seed's mark wrong", "", "echo 0 >$DIR/seed.img.sum", ""},
		{"definition's mark removed", "", "rm $DIR/domain.sum", ""},
		{"definition's mark wrong", "", "echo 0 >$DIR/domain.sum; virsh -q destroy $ID", ""},
		{"start's mark removed", "", "rm $DIR/started", ""},
		{"start's mark garbled", "", "echo x y z >$DIR/started", ""},
		{"owner's mark removed", "", "mv $DIR/owner $DIR/../owner.away", "mv $DIR/../owner.away $DIR/owner"},
		{"another's folder", "", "mv $DIR/owner $DIR/../owner.away; echo ffffffff $ID >$DIR/owner", "mv $DIR/../owner.away $DIR/owner"},
		{"image removed", "", "rm /var/lib/eucactl/host/images/*", ""},
		{"image cut off", "", "for f in /var/lib/eucactl/host/images/*[0-9a-f]; do truncate -s 100 $f; done", ""},
		{"image's mark removed", "", "rm /var/lib/eucactl/host/images/*.ok", ""},
		{"all memory removed", "", "rm -rf /var/lib/eucactl/host", ""},
		{"no access to folders", "", "chmod 0 $DIR /var/lib/eucalyptus/instances", "chmod 711 $DIR /var/lib/eucalyptus/instances"},
		{"libvirtd dead", "", "kill -9 $(cat /run/libvirtd.pid); rm -f /run/libvirtd.pid /run/libvirt/libvirt-sock*", "libvirtd -d; until virsh -q list >/dev/null 2>&1; do sleep 0.1; done"},
		{"tool missing", "", "mv /usr/bin/qemu-img /usr/bin/qemu-img.away", "mv /usr/bin/qemu-img.away /usr/bin/qemu-img"},
	}
	for i := range frontend {
		frontend[i].role = "frontend"
	}
	for i := range node {
		node[i].role = "node"
	}
	return append(frontend, node...)
}

// hit is a wreck at its place.
type hit struct {
	wreck
	host, vars string
}

func (h hit) String() string { return h.host + ": " + h.name }

// aim takes one to three wrecks, each on a host of its role. What is taken away twice is gone once.
func (w *world) aim(random *rand.Rand) (hits []hit) {
	all := wrecks()
	for range 1 + random.IntN(3) {
		one := all[random.IntN(len(all))]
		h := hit{wreck: one, host: "fe1"}
		if one.role == "node" {
			h.host = []string{"node1", "node2"}[random.IntN(2)]
			id := strings.TrimSpace(w.on(h.host, "ls /var/lib/eucalyptus/instances/admin | grep ^i-"))
			h.vars = "ID=" + id + " DIR=/var/lib/eucalyptus/instances/admin/" + id + "\n"
		}
		hits = append(hits, h)
	}
	return hits
}

// strike does the damage. One wreck may have left nothing for the next to break.
func (w *world) strike(hits []hit) {
	for _, h := range hits {
		w.on(h.host, h.vars+"{ "+h.do+"\n} 2>/dev/null || :")
	}
}

func (w *world) heal(hits []hit) (healed bool) {
	for _, h := range hits {
		if h.heal != "" {
			w.on(h.host, h.vars+"{ "+h.heal+"\n} 2>/dev/null || :")
			healed = true
		}
	}
	return healed
}
