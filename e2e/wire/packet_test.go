package wire

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// What is sent is read back, with checksums that add up.
func TestPacket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		port := rapid.Uint16()
		addr := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
		})
		p := Packet{From: addr.Draw(t, "from"), To: addr.Draw(t, "to"), Proto: rapid.SampledFrom([]byte{ICMP, TCP, UDP, 47, 253}).Draw(t, "protocol"), Number: rapid.Uint32().Draw(t, "number")}
		switch p.Proto {
		case TCP, UDP:
			p.SrcPort, p.DstPort = port.Draw(t, "source port"), port.Draw(t, "port")
		case ICMP:
			p.Type, p.Code = rapid.Byte().Draw(t, "type"), rapid.Byte().Draw(t, "code")
		}
		if p.Proto == TCP {
			p.Flags = ACK
		}
		mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
		f := Frame{Bytes: Ethernet(mac, mac, IPv4, p.Bytes())}
		got, ok := f.Packet()
		if diff := cmp.Diff(p, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); !ok || diff != "" {
			t.Fatalf("%v (-sent +read):\n%s", ok, diff)
		}
		if sum := checksum(f.Bytes[HeaderLen : HeaderLen+20]); sum != 0 {
			t.Fatalf("the header's checksum is %x off", sum)
		}
		_, _, body, _ := f.Body()
		if sum := p.pseudoChecksum(body); (p.Proto == TCP || p.Proto == UDP) && sum != 0 {
			t.Fatalf("the checksum is %x off", sum)
		}
	})
}

func TestShortFrames(t *testing.T) {
	whole := Ethernet(make(net.HardwareAddr, 6), make(net.HardwareAddr, 6), IPv4, Packet{From: netip.IPv4Unspecified(), To: netip.IPv4Unspecified(), Proto: UDP}.Bytes())
	for n := range whole {
		if p, ok := (Frame{Bytes: whole[:n]}).Packet(); ok {
			t.Errorf("of %d bytes %d are enough for %s", len(whole), n, p)
		}
	}
}
