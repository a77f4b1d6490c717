package controller

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
	"eucactl/preflight"
	"eucactl/tasks"
)

// mostClaimants is how many addresses of a pool are asked for at once.
const mostClaimants = 64

// publicScript is what both scripts begin with. The label marks what a check put
// there; Linux wants it to begin with the interface, and ifconfig makes one as well.
func publicScript(dev string) string {
	return fmt.Sprintf("\ndev=%s label=%s:chk\n", dev, dev) + `
[ ${#label} -le 15 ] || { echo "the name of $dev is too long to mark an address on it" >&2; exit 2; }
tool=ip
command -v ip >/dev/null || tool=ifconfig
`
}

// removePublic takes away what a check put on an interface. An address that the cloud
// has given meanwhile has no such label.
func removePublic(dev string) string {
	return publicScript(dev) + `
if [ $tool = ip ]; then
	for addr in $(ip -4 -o addr show dev "$dev" label "$label" | awk '{ print $4 }'); do
		ip addr del "$addr" dev "$dev" label "$label" || echo "cannot remove $addr from $dev" >&2
	done
elif ifconfig "$label" 2>/dev/null | grep -q 'inet '; then
	ifconfig "$label" down || echo "cannot remove $label" >&2
fi
`
}

func makePublic(dev string, ip netip.Addr) string {
	return publicScript(dev) + fmt.Sprintf("addr=%s\n", ip) + `
case $tool in
ip) has=$(ip -4 -o addr show) ;;
*) has=$(ifconfig -a | sed 's/addr://; s/$/ /') ;;
esac || exit 2
case $has in
*" $addr/"* | *" $addr "*) echo "it has $addr already, which is left alone" >&2 && exit 2 ;;
esac
if [ $tool = ip ]; then
	ip addr add "$addr/32" dev "$dev" label "$label" >&2 || exit 2
else
	ifconfig "$label" "$addr" netmask 255.255.255.255 up >&2 || exit 2
fi
`
}

// public tries one free address of the cluster's pool: on the frontend's interface for
// as long as somebody pings it.
func (t *trial) public(ctx context.Context) {
	n := t.cluster.Network
	if t.cluster.Frontend != t.ends[0].host || !n.Mode.Groups() || len(n.PublicIPs) == 0 {
		return
	}
	free := t.freePublic()
	front := &end{host: t.cluster.Frontend, dev: n.PubInterface}
	if len(free) == 0 {
		t.note(front, "no public address is free to try with", preflight.Count(len(n.PublicIPs), "address")+" in vnet_publicips", "")
		return
	}
	if t.req.Check {
		t.out.Would = append(t.out.Would, fmt.Sprintf("%s: ask on %s who has %s of vnet_publicips, put one on it, ping it from %s, remove it",
			front.host.Name, front.dev, preflight.Count(min(len(free), mostClaimants), "free address"), t.from().Name))
		return
	}
	if err := t.tryPublic(ctx, front, free); err != nil {
		t.drops(front, failure(front.host, err))
	}
}

// from is who pings: a host of the inventory, or the machine that this runs on.
func (t *trial) from() *inventory.Host {
	if h, ok := t.c.Inventory.Host(t.req.From); ok {
		return h
	}
	return &inventory.Host{Name: "the controller", Connection: inventory.Local}
}

// freePublic lists addresses that nobody holds by record, the one that will be given
// last first.
func (t *trial) freePublic() (free []netip.Addr) {
	cl, _ := t.tx.Cloud()
	pool := t.cluster.Network.PublicIPs
	next := slices.Index(pool, cl.LastPublic[t.cluster.Name]) + 1
	for i := range pool {
		ip := pool[(next+len(pool)-1-i)%len(pool)]
		if _, held := t.tx.Claim(plan.PublicClaim(ip)); !held {
			free = append(free, ip)
		}
	}
	return free
}

func (t *trial) tryPublic(ctx context.Context, front *end, free []netip.Addr) (err error) {
	if front.talk, err = t.c.converse(ctx, t.tx, front.host); err != nil {
		return err
	}
	defer front.talk.Close()
	more := tasks.Env{More: true, Finally: "{ " + removePublic(front.dev) + "} >/dev/null 2>&1"}
	ip, err := t.unclaimed(ctx, front, more, free)
	if err != nil || !ip.IsValid() {
		return err
	}
	if _, err := asked(ctx, front, more, facts.Section{Name: "make", Script: makePublic(front.dev, ip)}, nothing); err != nil {
		return err
	}
	t.out.Checks++
	t.judgePublic(ctx, front, ip)
	_, err = asked(ctx, front, tasks.Env{}, facts.Section{Name: "remove", Script: removePublic(front.dev)}, nothing)
	return err
}

// unclaimed asks the segment who has the free addresses, and is the first that nobody
// has.
func (t *trial) unclaimed(ctx context.Context, front *end, env tasks.Env, free []netip.Addr) (netip.Addr, error) {
	if len(free) > mostClaimants {
		t.note(front, fmt.Sprintf("asked who has the first %d of %d free public addresses, not all", mostClaimants, len(free)), "", "")
		free = free[:mostClaimants]
	}
	q := facts.Section{Name: "claimants", Script: removePublic(front.dev) + facts.Claimants(front.dev, free...)}
	t.out.Checks += len(free)
	taken, err := asked(ctx, front, env, q, facts.ReadClaimants)
	if f := (*findingError)(nil); errors.As(err, &f) {
		t.note(front, "could not ask who has the public addresses", strings.Join(f.Evidence, "; "), "")
		return free[0], nil
	}
	if err != nil {
		return netip.Addr{}, err
	}
	first := netip.Addr{}
	for _, ip := range free {
		switch mac, is := taken[ip]; {
		case is:
			t.finds(preflight.Error, front, fmt.Sprintf("somebody else has %s of vnet_publicips", ip), fmt.Sprintf("arping on %s: %s", front.dev, mac),
				fmt.Sprintf("switch that machine off, or take the address out: !%s in vnet_publicips", ip))
		case !first.IsValid():
			first = ip
		}
	}
	return first, nil
}

// judgePublic pings the address from outside.
func (t *trial) judgePublic(ctx context.Context, front *end, ip netip.Addr) {
	from := &end{host: t.from()}
	if from.host == front.host {
		t.note(front, "cannot ping its own address from outside", "--from "+from.host.Name, "name another host with --from")
		return
	}
	pings, err := t.pingFrom(ctx, from, ip)
	p := pings["public"]
	where := fmt.Sprintf("%s on %s", ip, front.dev)
	switch {
	case err != nil:
		t.note(front, fmt.Sprintf("%s could not be tried from %s", where, from.host.Name), lastLine(err.Error()), "name another host with --from")
	case p.Small:
		t.out.Done = append(t.out.Done, fmt.Sprintf("a public address answers from outside (%s, pinged from %s)", where, from.host.Name))
	case p.MAC != "":
		t.note(front, fmt.Sprintf("%s is seen from %s, but pings are dropped", where, from.host.Name), "ARP: "+p.MAC, "")
	case p.Words != "":
		t.note(front, fmt.Sprintf("%s could not be tried from %s: it has no way there", where, from.host.Name), p.Words, "name a host that is outside with --from HOST")
	default:
		t.finds(preflight.Error, front, fmt.Sprintf("a public address does not answer from outside: %s, pinged from %s", where, from.host.Name), "ping, ARP: no answer",
			"is "+front.dev+" the interface towards the network of vnet_publicips, and are they routed there? Does a firewall stand between?")
	}
}

func (t *trial) pingFrom(ctx context.Context, from *end, ip netip.Addr) (_ map[string]facts.Ping, err error) {
	if from.talk, err = t.c.converse(ctx, t.tx, from.host); err != nil {
		return nil, err
	}
	defer from.talk.Close()
	return asked(ctx, from, tasks.Env{}, facts.Section{Name: "pings", Script: facts.Pings("", facts.Peer{Name: "public", Addr: ip})}, facts.ReadPings)
}
