package tasks

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// flowsNet makes of the host a frontend with 1.0.0.1/24 towards a client
// (1.0.0.2) and 10.0.0.1/24 towards two guests (10.0.0.2, 10.0.0.3), all in
// network namespaces of their own; its public addresses are 1.0.0.10 and 11.
const flowsNet = `
mkdir -p /run/netns
ip link add guests type bridge; ip addr add 10.0.0.1/24 dev guests; ip link set guests up
for n in c:1.0.0.2:1.0.0.1 g2:10.0.0.2:10.0.0.1 g3:10.0.0.3:10.0.0.1; do
	name=${n%%:*} n=${n#*:} addr=${n%%:*} gw=${n#*:}
	ip netns add $name
	ip link add v$name type veth peer name eth0 netns $name
	ip link set v$name up
	ip -n $name link set lo up
	ip -n $name link set eth0 up
	ip -n $name addr add $addr/24 dev eth0
	ip -n $name route add default via $gw
done
ip addr add 1.0.0.1/24 dev vc; ip addr add 1.0.0.10/24 dev vc; ip addr add 1.0.0.11/24 dev vc
ip link set vg2 master guests; ip link set vg3 master guests
echo 1 >/proc/sys/net/ipv4/ip_forward
for t in udp_timeout udp_timeout_stream icmp_timeout; do echo 600 >/proc/sys/net/netfilter/nf_conntrack_$t; done
for g in g2 g3; do
	for p in 80 81; do
		(ip netns exec $g python3 -c '
import socket, sys, threading
t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); t.bind(("", int(sys.argv[1]))); t.listen(9)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("", int(sys.argv[1])))
def tcp():
    kept = []
    while True:
        c, a = t.accept(); c.send(sys.argv[2].encode()); kept.append(c)
threading.Thread(target=tcp, daemon=True).start()
while True:
    d, a = u.recvfrom(99); u.sendto(sys.argv[2].encode(), a)
' $p $g </dev/null >/dev/null 2>&1 &)
	done
done
for g in g2 g3; do for p in 80 81; do
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do ip netns exec $g ss -tln | grep -q ":$p " && break; sleep 0.2; done
done; done
`

// flowsNat translates: $1 is the guest of 1.0.0.10, $2 that of 1.0.0.11.
const flowsNat = `
nat() {
	iptables -t nat -F
	[ -z "$1" ] || { iptables -t nat -A PREROUTING -d 1.0.0.10 -j DNAT --to $1; iptables -t nat -A POSTROUTING -s $1 ! -d 10.0.0.0/24 -j SNAT --to 1.0.0.10; }
	[ -z "$2" ] || { iptables -t nat -A PREROUTING -d 1.0.0.11 -j DNAT --to $2; iptables -t nat -A POSTROUTING -s $2 ! -d 10.0.0.0/24 -j SNAT --to 1.0.0.11; }
}
# talk NAMESPACE ADDRESS PORT: one exchange over TCP, UDP and ICMP.
talk() {
	ip netns exec $1 python3 -c '
import socket, sys
a = (sys.argv[1], int(sys.argv[2]))
t = socket.create_connection(a, 3); print(t.recv(9).decode())
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(3); u.sendto(b"x", a); print(u.recv(9).decode())
' $2 $3
	ip netns exec $1 ping -qc1 -W2 $2 >/dev/null
}
`

// flowsList is the table in short, without what changes by itself.
const flowsList = `conntrack -L 2>/dev/null | sed '/^unknown/d; s/ [0-9]* / /; s/ [A-Z_0-9]* src/ src/; s/ mark=.*//; s/\[ASSURED\]//; s/  */ /g; s/[sd]port=[3-6][0-9][0-9][0-9][0-9]/port/g; s/id=[0-9]*/id/g; s/ [0-9]* src/ src/' | sort`

const flowsLive = "live 10.0.0.1\nlive 10.0.0.2\nlive 10.0.0.3\npool 1.0.0.10\npool 1.0.0.11\n"

func flowsCall(nat string) kindCall {
	return kindCall{"flows", "cloud_cidr", "10.0.0.0/24", "content", flowsLive + nat}
}

func TestFlows(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(flowsNet)
		// Inbound to both addresses, outbound of both guests, and the frontend's own.
		world := flowsNat + `conntrack -F 2>/dev/null; nat 10.0.0.2 10.0.0.3
			[ "$(talk c 1.0.0.10 80; talk c 1.0.0.11 80)" = "g2
g2
g3
g3" ]
			ip netns exec g2 ping -qc1 1.0.0.2 >/dev/null; ip netns exec g3 ping -qc1 1.0.0.2 >/dev/null
			ping -qc1 10.0.0.2 >/dev/null; ip netns exec c ping -qc1 1.0.0.1 >/dev/null`
		h.do(world)
		h.wants(flowsCall("nat 1.0.0.10 10.0.0.2\nnat 1.0.0.11 10.0.0.3\n"), kindApply, OK)
		stay := h.do(flowsList + ` | grep -v -e '1\.0\.0\.10 ' -e '1\.0\.0\.10$'`)

		// 1.0.0.10 moves, 1.0.0.11 stays: only what spoke through 1.0.0.10 goes.
		h.try(kindTry{
			kindCall: flowsCall("nat 1.0.0.10 10.0.0.3\nnat 1.0.0.11 10.0.0.3\n"),
			bare:     ``,
			states:   []kindState{{"moved", world}},
			proof:    flowsList,
			tools:    []string{"/usr/sbin/conntrack", "/usr/bin/awk"},
		})
		h.do(world)
		h.wants(flowsCall("nat 1.0.0.11 10.0.0.3\n"), kindApply, Changed)
		if diff := cmp.Diff(stay, h.do(flowsList)); diff != "" {
			t.Fatal("other flows went too, or too few:\n", diff)
		}
		// What is new follows the new translation.
		if got := h.do(flowsNat + `nat 10.0.0.3 10.0.0.2; talk c 1.0.0.10 80`); got != "g3\ng3\n" {
			t.Fatal(got)
		}
	})
}

// TestFlowsDead: a guest's address that was given back keeps no flow and no neighbour.
func TestFlowsDead(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		h.do(flowsNet)
		h.do(flowsNat + `nat 10.0.0.2 10.0.0.3; talk c 1.0.0.10 80; talk c 1.0.0.11 80; ping -qc1 10.0.0.2 >/dev/null; ip netns exec g2 ping -qc1 1.0.0.2 >/dev/null`)
		stay := h.do(flowsList + ` | grep -v 10\.0\.0\.2`)
		dead := kindCall{"flows", "cloud_cidr", "10.0.0.0/24", "content", "live 10.0.0.1\nlive 10.0.0.3\npool 1.0.0.10\npool 1.0.0.11\nnat 1.0.0.11 10.0.0.3\n"}
		h.wants(dead, kindCheck, Would)
		h.wants(dead, kindApply, Changed)
		if diff := cmp.Diff(stay, h.do(flowsList)); diff != "" {
			t.Fatal(diff)
		}
		// Nor is it believed to be where it was; who lives still is.
		if got := h.do(`ip -4 neigh show dev guests | grep -o '^[0-9.]* lladdr'`); got != "10.0.0.3 lladdr\n" {
			t.Fatalf("known neighbours: %s", got)
		}
		// Somebody who keeps trying does not keep the host unsettled.
		h.do(`ip netns exec g2 ip link set eth0 down; ping -qc1 -W1 10.0.0.2 >/dev/null || :`)
		h.wants(dead, kindApply, OK)
	})
}

// TestFlowsRevoked: a permitted flow and one that was revoked both stay, and a
// server that moves to another translation while a stream of datagrams goes on
// is reached at once.
func TestFlowsRevoked(t *testing.T) {
	h := newKindHost(t, shells[0])
	h.do(flowsNet)
	h.do(flowsNat + `nat 10.0.0.2 10.0.0.3; talk c 1.0.0.10 80; talk c 1.0.0.10 81; talk c 1.0.0.11 80`)
	before := h.do(flowsList)
	h.do(`iptables -A FORWARD -d 10.0.0.2 -j DROP`)
	k := flowsCall("nat 1.0.0.10 10.0.0.2\nnat 1.0.0.11 10.0.0.3\n")
	h.wants(k, kindCheck, OK)
	h.wants(k, kindApply, OK)
	if diff := cmp.Diff(before, h.do(flowsList)); diff != "" {
		t.Fatal(diff)
	}

	h.do(`iptables -F FORWARD`)
	stream := h.at("ip", "netns", "exec", "c", "python3", "-u", "-c", `
import socket, time
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(0.05); u.connect(("1.0.0.10", 80))
moved, limit = 0, time.time() + 30
while moved < 50 and time.time() < limit:
    u.send(b"x")
    time.sleep(0.02)
    try: said = u.recv(9).decode()
    except OSError: continue
    print(said)
    moved += said == "g3"
`)
	var out strings.Builder
	stream.Stdout, stream.Stderr = &out, os.Stderr
	if err := stream.Start(); err != nil {
		t.Fatal(err)
	}
	h.do(flowsNat + `sleep 1; nat 10.0.0.3 10.0.0.2`)
	h.wants(flowsCall("nat 1.0.0.10 10.0.0.3\nnat 1.0.0.11 10.0.0.2\n"), kindApply, Changed)
	if err := stream.Wait(); err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(out.String())
	if len(got) < 51 || got[0] != "g2" || got[len(got)-50] != "g3" {
		t.Fatal("the stream did not move: ", got)
	}
}

// TestFlowsBetweenGuests: of flows between two guests those stay that the rules
// permit, by membership, network, group, port and icmp type; the others are ended,
// which the world's are not.
func TestFlowsBetweenGuests(t *testing.T) {
	underEach(t, func(t *testing.T, sh shell) {
		h := newKindHost(t, sh)
		enter := func(proto, from, to, what string) string {
			return "conntrack -I -p " + proto + " -s " + from + " -d " + to + " " + what + " -t 600 -u SEEN_REPLY >/dev/null 2>&1 || exit 1\n"
		}
		udp := func(port string) string { return "--sport 40000 --dport " + port }
		h.do(enter("udp", "10.0.0.2", "10.0.0.3", udp("80")) +
			enter("udp", "10.0.0.2", "10.0.0.3", udp("81")) +
			enter("tcp", "10.0.0.2", "10.0.0.3", udp("80")+" --state ESTABLISHED") +
			enter("udp", "10.0.0.3", "10.0.0.2", udp("80")) +
			enter("udp", "10.0.0.2", "10.0.0.4", udp("9")) +
			enter("icmp", "10.0.0.2", "10.0.0.3", "--icmp-type 8 --icmp-code 0 --icmp-id 7") +
			enter("udp", "1.0.0.1", "10.0.0.3", udp("80")) +
			enter("udp", "10.0.0.1", "10.0.0.3", udp("53")))
		left := "conntrack -L 2>/dev/null | sed -E 's/^(udp|tcp|icmp) .*src=([0-9.]+) dst=([0-9.]+) (sport=[0-9]+ dport=([0-9]+)|type=8).* src=.*/\\1 \\2 \\3 \\5/' | sort"
		rules := "live 10.0.0.4\ngroup EUCA-a 10.0.0.2 10.0.0.4\ngroup EUCA-b 10.0.0.3\ngroup EUCA-c\n" +
			"permit EUCA-b udp 80 80 EUCA-a\npermit EUCA-b tcp 1 79 0.0.0.0/0\npermit EUCA-b icmp 0 -1 10.0.0.0/24\npermit EUCA-a all -1 -1 EUCA-c\n"
		h.wants(flowsCall(rules), kindCheck, Would)
		h.wants(flowsCall(rules), kindApply, Changed)
		want := "udp 1.0.0.1 10.0.0.3 80\nudp 10.0.0.1 10.0.0.3 53\nudp 10.0.0.2 10.0.0.3 80\nudp 10.0.0.2 10.0.0.4 9\n"
		if diff := cmp.Diff(want, h.do(left)); diff != "" {
			t.Fatal(diff)
		}
		h.wants(flowsCall(rules), kindApply, OK)
	})
}

// TestFlowsMany: flows of one client to one service go with one command, however many they are.
func TestFlowsMany(t *testing.T) {
	h := newKindHost(t, shells[0])
	h.do(`i=0
		while [ $i -lt 200 ]; do
			i=$((i + 1))
			conntrack -I -p udp -s 10.0.0.2 -d 10.0.0.3 --sport $((20000 + i)) --dport 80 -t 600 -u SEEN_REPLY >/dev/null 2>&1
			conntrack -I -p icmp -s 10.0.0.2 -d 10.0.0.3 --icmp-type 8 --icmp-code 0 --icmp-id $i -t 600 -u SEEN_REPLY >/dev/null 2>&1
		done
		conntrack -I -p udp -s 10.0.0.2 -d 10.0.0.3 --sport 20001 --dport 81 -t 600 -u SEEN_REPLY >/dev/null 2>&1
		conntrack -I -p udp -s 10.0.0.4 -d 10.0.0.3 --sport 20001 --dport 80 -t 600 -u SEEN_REPLY >/dev/null 2>&1
		printf '%s\n' '#!/bin/dash' 'echo "$*" >>/mnt/called' 'exec /usr/sbin/conntrack "$@"' >/usr/local/sbin/conntrack
		chmod 755 /usr/local/sbin/conntrack`)
	h.wants(flowsCall("live 10.0.0.4\ngroup EUCA-a 10.0.0.2 10.0.0.4\ngroup EUCA-b 10.0.0.3\npermit EUCA-b udp 81 81 EUCA-a\npermit EUCA-b all -1 -1 10.0.0.4/32\n"), kindApply, Changed)
	if got := h.do(`grep -c -e -D /mnt/called`); got != "2\n" {
		t.Errorf("conntrack -D was called so often: %s", got)
	}
	if got := h.do(`conntrack -L 2>/dev/null | grep -c 'dst=10.0.0.3 '`); got != "2\n" {
		t.Errorf("so many are left: %s", got)
	}
}

func TestFlowsRefuses(t *testing.T) {
	h := newKindHost(t, shells[0])
	for _, bad := range []string{"live 10.0.0\n", "live 10.0.0.1;x\n", "nat 1.0.0.10\n", "dead 10.0.0.1\n", "nat 1.0.0.10 10.0.0.2\nnat 1.0.0.10 10.0.0.3\n"} {
		h.wants(kindCall{"flows", "cloud_cidr", "10.0.0.0/24", "content", bad}, kindApply, Failed)
	}
	h.wants(kindCall{"flows", "cloud_cidr", "10.0.0.0", "content", ""}, kindApply, Failed)
	h.wants(kindCall{"flows", "cloud_cidr", "10.0.0.0/24", "content", ""}, kindApply, OK)
}
