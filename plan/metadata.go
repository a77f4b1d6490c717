package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"eucactl/cloud"
)

// Guests ask for their metadata at MetadataAddress, as in EC2. Their frontend leads
// them to MetadataListener, where eucactl serve listens for them through its SSH
// connection.
const (
	MetadataAddress  = "169.254.169.254"
	MetadataListener = "127.0.0.1:8773" // the port is Eucalyptus'
)

// guestDevs are the frontend's interfaces towards guests.
func (e *edge) guestDevs() (devs []string) {
	if !e.tagged() {
		return []string{e.settings.PrivInterface}
	}
	for _, n := range e.networks {
		if !n.Gone {
			devs = append(devs, e.dev(n))
		}
	}
	slices.Sort(devs)
	return devs
}

func metadataAddress() netip.Addr { return netip.MustParseAddr(MetadataAddress) }

func loopback() netip.Prefix { return netip.MustParsePrefix("127.0.0.0/8") }

// toMetadata leads guests' requests to where eucactl serve listens. The source
// address stays: it says who asks.
func (e *edge) toMetadata() Rule {
	to := netip.MustParseAddrPort(MetadataListener)
	return Rule{
		Source: e.settings.Subnet, Dest: netip.PrefixFrom(metadataAddress(), 32), Proto: "tcp", Ports: "80",
		Target: "DNAT", To: to.Addr(), ToPort: int(to.Port()),
	}
}

// metadataRules let in what was led to the listener, and close the rest of loopback to
// the interfaces that lead there: with route_localnet, the kernel would take their
// packets to and from 127.0.0.0/8 for real.
func (e *edge) metadataRules() []Rule {
	to := netip.MustParseAddrPort(MetadataListener)
	return []Rule{
		{In: e.guestside(), Source: loopback(), Target: "DROP"},
		{In: e.guestside(), Dest: loopback(), NotState: "DNAT", Target: "DROP"},
		{
			In: e.guestside(), Source: e.settings.Subnet, Dest: netip.PrefixFrom(to.Addr(), 32), Proto: "tcp", Ports: fmt.Sprint(to.Port()),
			State: "DNAT", Target: "ACCEPT",
		},
	}
}

// loopback are the settings without which the kernel drops what is led to 127.0.0.1.
func (e *edge) loopback() (list []Sysctl) {
	for _, dev := range e.guestDevs() {
		list = append(list, Sysctl{"net.ipv4.conf." + strings.ReplaceAll(dev, ".", "/") + ".route_localnet", "1", dev})
	}
	return list
}

// GuestAt is the instance that holds a private address in a cluster. An address is
// held until its instance is released, so it never leads to a later holder.
func GuestAt(r Records, cluster string, ip netip.Addr) (cloud.Instance, bool) {
	for _, net := range r.NetworksIn(cluster) {
		if sub, ok := r.SubnetOf(net.ID); !ok || !sub.CIDR.Contains(ip) {
			continue
		}
		if claim, ok := r.Claim(ipClaim(net.ID, ip)); ok {
			return r.Instance(cloud.InstanceID(claim.Holder))
		}
	}
	return cloud.Instance{}, false
}
