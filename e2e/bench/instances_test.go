package bench

import (
	"strings"
	"testing"
	"time"
)

// bootPairs is how often each way is measured.
const bootPairs = 3

// BenchmarkRunInstances starts guests until SSH answers at their public address, asked from outside: by run-instances,
// and in turn by bare virsh, which finds everything prepared: the same machine's definition, disk and seed, addresses,
// leases and firewall.
func BenchmarkRunInstances(b *testing.B) {
	s := newSite(b, 1)
	for range b.N {
		first, _, guest := s.byEucactl(b)
		s.terminate(b, guest)
		var ours, told, floor, started []time.Duration
		for range bootPairs {
			total, returned, guest := s.byEucactl(b)
			ours, told = append(ours, total), append(told, returned)
			total, returned = s.byHand(b, guest)
			floor, started = append(floor, total), append(started, returned)
			s.terminate(b, guest)
		}
		figures.times("run-instances until SSH answers / virsh define, start", ours, floor)
		figures.times("  until the program returns", told, started)
		figures.times("  the first time, with the image's way to the node", []time.Duration{first}, nil)
	}
}

// guest is a running instance.
type guest struct{ id, public string }

// byEucactl starts a guest. It tells how long it took until SSH answered, and until eucactl had done its part.
func (s *site) byEucactl(b *testing.B) (total, returned time.Duration, g guest) {
	begin := time.Now()
	rows := s.do(b, "run-instances", s.image, "-k", "bench")
	returned = time.Since(begin)
	for row := range strings.Lines(rows) {
		if f := strings.Split(row, "\t"); f[0] == "INSTANCE" && len(f) > 3 {
			g = guest{f[1], f[3]}
		}
	}
	if g.id == "" {
		b.Fatalf("no instance in %q", rows)
	}
	s.answer(b, g.public)
	return time.Since(begin), returned, g
}

// byHand takes a guest's machine away, with its disk, and starts it once more as an administrator would.
func (s *site) byHand(b *testing.B, g guest) (total, started time.Duration) {
	s.on(b, "node1", `
		cd /var/lib/eucalyptus/instances/admin/$1
		virsh -q dumpxml --inactive $1 >/root/$1.xml
		virsh -q destroy $1
		virsh -q undefine $1
		base=$(qemu-img info -f qcow2 disk | sed -n 's/^backing file: //p')
		format=$(qemu-img info -f qcow2 disk | sed -n 's/^backing file format: //p')
		size=$(qemu-img info -f qcow2 disk | sed -n 's/^virtual size.*(\([0-9]*\) bytes.*/\1/p')
		rm disk
		qemu-img create -q -f qcow2 -b "$base" -F "$format" disk "$size"`, g.id)
	begin := time.Now()
	s.on(b, "node1", `virsh -q define /root/$1.xml; virsh -q start $1`, g.id)
	started = time.Since(begin)
	s.answer(b, g.public)
	return time.Since(begin), started
}

func (s *site) terminate(b *testing.B, g guest) { s.do(b, "terminate-instances", g.id, "--wait") }
