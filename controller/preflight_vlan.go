package controller

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/facts"
	"eucactl/preflight"
	"eucactl/tasks"
)

// The VLAN-clean test. Four exchanges on one connection a host: look (and remove what
// an earlier run left), make, ping, remove. A host whose connection is cut removes what
// it made by itself.

// highestTrial is the VLAN that is tried first; 4094 is some switches' own.
const highestTrial = 4093

// longestName is what Linux takes as an interface's name.
const longestName = 15

// removeVLANs removes every interface that bears this cloud's mark of a check, and no
// other.
const removeVLANs = `
for dir in /sys/class/net/*; do
	mark=
	[ ! -r "$dir/ifalias" ] || read -r mark <"$dir/ifalias" || :
	[ "$mark" = "eucactl check $CLOUD" ] || continue
	name=${dir##*/}
	if command -v ip >/dev/null; then
		ip link del dev "$name" || echo "cannot remove $name" >&2
	else
		ifconfig "$name" down
		vconfig rem "$name" >/dev/null || echo "cannot remove $name" >&2
	fi
done
`

// quietly is removeVLANs without words, for a host whose reader may be gone.
const quietly = "{ " + removeVLANs + "} >/dev/null 2>&1"

// makeVLAN is the script that makes the interface and marks it before it does
// anything. One that exists is never touched.
func makeVLAN(dev, name string, tag int, addr netip.Prefix) string {
	return fmt.Sprintf(`
dev=%s name=%s tag=%d addr=%s mask=%s
`, dev, name, tag, addr, netmaskOf(addr)) + `
[ -e "/sys/class/net/$dev" ] || { echo "there is no interface $dev" >&2; exit 2; }
read -r flags <"/sys/class/net/$dev/flags" || exit 2
[ $((flags & 1)) = 1 ] || { echo "$dev is down: ip link set $dev up" >&2; exit 2; }
[ ! -e "/sys/class/net/$name" ] || { echo "$name exists, and is left alone" >&2; exit 2; }
if command -v ip >/dev/null; then
	ip link add link "$dev" name "$name" type vlan id "$tag" >&2 || exit 2
elif command -v vconfig >/dev/null; then
	[ -d /proc/net/vlan ] || modprobe 8021q >&2 || exit 2
	grep -q 'Name-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD' /proc/net/vlan/config ||
		{ echo "this host names VLAN interfaces in another way: vconfig set_name_type DEV_PLUS_VID_NO_PAD" >&2; exit 2; }
	vconfig add "$dev" "$tag" >&2 || exit 2
else
	echo "there is neither ip nor vconfig: apt-get install iproute2" >&2
	exit 2
fi
echo "eucactl check $CLOUD" >"/sys/class/net/$name/ifalias" || exit 2
[ ! -e "/proc/sys/net/ipv6/conf/$name/disable_ipv6" ] || echo 1 >"/proc/sys/net/ipv6/conf/$name/disable_ipv6"
if command -v ip >/dev/null; then
	ip addr add "$addr" dev "$name" >&2 && ip link set dev "$name" up >&2 || exit 2
else
	ifconfig "$name" "${addr%/*}" netmask "$mask" up >&2 || exit 2
fi
`
}

func netmaskOf(p netip.Prefix) netip.Addr {
	n := ^uint32(0) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// tagged tries a VLAN between all hosts.
func (t *trial) tagged(ctx context.Context) {
	t.meet(ctx)
	defer t.part()
	t.lookVLANs(ctx)
	tag, ok := t.chooseTag()
	if !ok || !t.chooseAddresses() {
		return
	}
	if t.req.Check {
		for _, e := range t.present() {
			t.out.Would = append(t.out.Would, fmt.Sprintf("%s: make %s with %s/16 on %s, ping the others, remove it", e.host.Name, nameOf(e.dev, tag), e.peer.Addr, e.dev))
		}
		return
	}
	more := tasks.Env{More: true, Finally: quietly}
	t.together(func(e *end) error {
		script := makeVLAN(e.dev, nameOf(e.dev, tag), tag, netip.PrefixFrom(e.peer.Addr, 16))
		_, err := asked(ctx, e, more, facts.Section{Name: "make", Script: script}, nothing)
		return err
	})
	for _, e := range t.present() {
		e.dev = nameOf(e.dev, tag)
	}
	if len(t.present()) > 1 {
		t.ping(ctx, more)
		t.judgeTagged(pairs(t.present()), fmt.Sprintf("tagged frames (VLAN %d)", tag))
	}
	t.removeVLANs(ctx)
}

func (t *trial) judgeTagged(list []pair, what string) {
	if t.apart {
		t.judgeApart(list, what)
		return
	}
	t.judgePairs(list, wire{what, "let the switch's ports of these hosts pass all tags (a trunk), or try a VLAN of yours with --vlan, or use vnet_mode MANAGED-NOVLAN"})
}

// lookVLANs asks what VLANs hosts have; the routes tell which addresses are free.
func (t *trial) lookVLANs(ctx context.Context) {
	env := tasks.Env{More: !t.req.Check}
	before := removeVLANs
	if t.req.Check {
		before = ""
	} else {
		env.Finally = quietly
	}
	t.together(func(e *end) error {
		rep, err := e.talk.whole(ctx, env, facts.Section{Name: "vlans", Script: before + facts.VLANsScript}, facts.Section{Name: "routes", Script: facts.RoutesScript})
		if err != nil {
			return err
		}
		if e.vlans, err = heard(e, rep, "vlans", facts.ReadVLANs); err != nil {
			return err
		}
		e.route, err = heard(e, rep, "routes", facts.ReadRoutes)
		return err
	})
	for _, e := range t.present() {
		if len(e.vlans.Left) > 0 {
			t.note(e, "an earlier check was cut off and left "+strings.Join(e.vlans.Left, ", "), "ip link: eucactl check", "the next check removes it")
		}
	}
}

// chooseTag is the VLAN that was asked for, or the highest that nobody has: neither a
// host nor a record.
func (t *trial) chooseTag() (int, bool) {
	if len(t.present()) == 0 {
		return 0, false
	}
	if t.req.VLAN != 0 {
		if who := t.hasTag(t.req.VLAN); who != "" {
			t.finds(preflight.Error, t.present()[0], fmt.Sprintf("VLAN %d cannot be tried with", t.req.VLAN), who, "name another with --vlan, or none")
			return 0, false
		}
		return t.req.VLAN, true
	}
	for tag := highestTrial; tag > 1; tag-- {
		if t.hasTag(tag) == "" {
			return tag, true
		}
	}
	return 0, false
}

// hasTag says who has a VLAN already; "" is nobody.
func (t *trial) hasTag(tag int) string {
	for _, e := range t.present() {
		for _, n := range t.tx.NetworksIn(e.host.Cluster) {
			if n.Index == tag {
				return "by record it is that of group " + string(n.Group)
			}
		}
		if name, has := e.vlans.Tags[tag]; has && !slices.Contains(e.vlans.Left, name) {
			return e.host.Name + " has " + name
		}
	}
	return ""
}

func nameOf(dev string, tag int) string {
	if name := fmt.Sprintf("%s.%d", dev, tag); len(name) <= longestName {
		return name
	}
	return fmt.Sprintf("check.%d", tag)
}

// trialRanges are networks for tests and documentation; the first that the site does
// not use is taken.
var trialRanges = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/16"), netip.MustParsePrefix("198.19.0.0/16"), netip.MustParsePrefix("10.255.0.0/16")}

// chooseAddresses gives each host one of a range that touches nothing of the site's.
func (t *trial) chooseAddresses() bool {
	for _, r := range trialRanges {
		if t.uses(r) {
			continue
		}
		addr := r.Addr()
		for _, e := range t.present() {
			addr = addr.Next()
			e.peer.Addr = addr
		}
		return true
	}
	t.finds(preflight.Error, t.present()[0], "no range of addresses is free to try with", fmt.Sprint(trialRanges), "")
	return false
}

// uses says whether the site has anything in a range: guests, public addresses or
// hosts.
func (t *trial) uses(r netip.Prefix) bool {
	for _, c := range t.c.Inventory.Clusters() {
		if c.Network.Subnet.IsValid() && c.Network.Subnet.Overlaps(r) || slices.ContainsFunc(c.Network.PublicIPs, r.Contains) {
			return true
		}
	}
	for _, e := range t.ends {
		if slices.ContainsFunc(e.route, func(route facts.Route) bool { return route.Dest.Bits() > 0 && route.Dest.Overlaps(r) }) {
			return true
		}
	}
	for _, h := range t.c.Inventory.Hosts() {
		if a, err := netip.ParseAddr(h.Address); err == nil && r.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}

// removeVLANs ends the test, and looks that nothing is left. Hosts that dropped out
// remove theirs when they are parted from.
func (t *trial) removeVLANs(ctx context.Context) {
	t.together(func(e *end) error {
		gone := facts.Section{Name: "remove", Script: removeVLANs + facts.VLANsScript}
		v, err := asked(ctx, e, tasks.Env{}, gone, facts.ReadVLANs)
		if err != nil || len(v.Left) > 0 {
			return t.leftover(e, strings.Join(v.Left, ", "), err)
		}
		return nil
	})
}

// leftover says that something may be left, and how it is known.
func (t *trial) leftover(e *end, what string, err error) error {
	if err != nil {
		what = err.Error()
	}
	return &findingError{preflight.Found(preflight.Error, e.host.Name, "cannot tell that what was made for the test is gone", what,
		"eucactl check network removes it; by hand: ip -d link, and ip link del what has the alias \"eucactl check\"")}
}
