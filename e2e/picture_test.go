package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"eucactl/cloud"
	"eucactl/e2e/lab"
)

// lookAround prints what a host has come to, as far as a cloud has a say in it: its files with what is in them, the
// kernel's tables, the machines. What differs between two equal hosts is left out: times, process ids, tokens, counters,
// sums of contents that have an id in them.
const lookAround = `cd /
find var/lib/eucactl var/lib/eucalyptus run/eucalyptus \( -name '*.leases*' -o -name console.log -o -name '*.pid' \) -prune -o -printf '%M %u %p\n' 2>/dev/null
for f in run/eucalyptus/net/*.conf var/lib/eucactl/host/chains/* var/lib/eucalyptus/instances/*/*/domain.xml var/lib/eucalyptus/instances/*/*/owner; do
	[ ! -f "$f" ] || sed "s,^[^B],$f: &," "$f" | grep -v '^B'
done
iptables-save 2>/dev/null | sed -n 's/ \[[0-9:]*\]$//; s/^[*:-]/iptables &/p'
ipset save | sed 's/ family.*//; s/^/ipset /'
ip -4 -o addr show | awk '{ print "address", $2, $4 }'
for s in ip_forward conf/all/send_redirects conf/eth0/send_redirects; do echo "sysctl $s $(cat proc/sys/net/ipv4/$s 2>/dev/null)"; done
pgrep -a dhcpd | sed 's/^[0-9]*/running/'
[ ! -S run/libvirt/libvirt-sock ] || {
	virsh -q list --all --persistent | awk '{ $1 = "machine"; print }'
	virsh -q list --all --autostart | sed 's/^/autostart /'
}
`

// picture is what a cloud has come to, on hosts and on paper, one fact a line, in which everything that was dealt out
// (ids, addresses) has the name of its place: two clouds to which the same was done have the same picture.
func (w *world) picture() []string {
	w.t.Helper()
	r := w.records()
	names := r.names()
	var lines []string
	for _, h := range w.lab.Hosts() {
		if h.Role == lab.Client {
			continue
		}
		for _, line := range strings.Split(w.on(h.Name, lookAround), "\n") {
			lines = append(lines, h.Name+": "+names.in(line))
		}
	}
	for _, line := range r.facts() {
		lines = append(lines, "records: "+names.in(line))
	}
	slices.Sort(lines)
	return lines
}

// names are what stands for ids and addresses.
type names map[string]string

var (
	dealt = regexp.MustCompile(`\b(?:i|r|net|subnet|port)-[0-9a-f]{8}\b|\bd0:0d(?::[0-9a-f]{2}){4}\b|\b[0-9]+(?:[.-][0-9]+){3}\b`)
	sums  = regexp.MustCompile(`\b[0-9a-f]{64}\b|\b[0-9a-f]{12}"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
)

func (n names) in(line string) string {
	line = sums.ReplaceAllString(line, "SUM")
	return dealt.ReplaceAllStringFunc(line, func(word string) string {
		if name, ok := n[word]; ok {
			return name
		}
		return word
	})
}

// names calls living instances A, B ... in the order of their launch, and what belongs to them by their letter.
func (r records) names() names {
	n := names{}
	living := r.living()
	slices.SortFunc(living, func(a, b cloud.Instance) int {
		return strings.Compare(fmt.Sprint(a.Launched.UnixNano(), a.LaunchIndex), fmt.Sprint(b.Launched.UnixNano(), b.LaunchIndex))
	})
	for i, in := range living {
		letter := string(rune('A' + in.LaunchIndex))
		if i > 25 {
			break
		}
		port := r.ports[string(in.Port)]
		n[string(in.ID)], n[string(in.Port)], n[port.MAC] = "INSTANCE-"+letter, "PORT-"+letter, "MAC-"+letter
		n[port.IP.String()], n[strings.ReplaceAll(port.IP.String(), ".", "-")] = "PRIVATE-"+letter, "HOSTNAME-"+letter
		n[string(in.Reservation)] = "RESERVATION"
		if in.Public.IsValid() {
			n[in.Public.String()] = "PUBLIC-" + letter
		}
		if in.Previous.IsValid() {
			n[in.Previous.String()] = "PREVIOUS-" + letter
		}
	}
	for id, net := range r.networks {
		n[id] = fmt.Sprintf("NETWORK-%d", net.Index)
	}
	for id, s := range r.subnets {
		n[id] = "SUBNET-" + n[string(s.Network)]
	}
	for ip, a := range r.addresses {
		if a.Elastic {
			n[ip] = "ELASTIC"
		}
	}
	return n
}

// facts are the records as lines: without revisions, times and the places where the next choice begins.
func (r records) facts() (lines []string) {
	add := func(table string, v any) {
		text, _ := json.Marshal(v) // these types are all read from JSON
		lines = append(lines, table+" "+string(text))
	}
	for _, in := range r.living() {
		in.Meta, in.Launched, in.Ended, in.SeedSum = cloud.Meta{}, time.Time{}, time.Time{}, ""
		add("instance", in)
	}
	for _, p := range r.ports {
		p.Meta = cloud.Meta{}
		add("port", p)
	}
	for _, net := range r.networks {
		net.Meta = cloud.Meta{}
		add("network", net)
	}
	for _, s := range r.subnets {
		add("subnet", []any{s.ID, s.Network, s.CIDR, s.Gateway})
	}
	for _, a := range r.addresses {
		a.Meta = cloud.Meta{}
		add("address", a)
	}
	for _, c := range r.claims {
		c.Meta = cloud.Meta{}
		add("claim", c)
	}
	for _, g := range r.groups {
		g.Meta = cloud.Meta{}
		add("group", g)
	}
	return lines
}
