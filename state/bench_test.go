package state

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"eucactl/cloud"
)

// run puts what starting an instance puts: itself, its port and three claims.
func run(tx *Tx, n int) {
	id := fmt.Sprintf("%08x", n)
	ip := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	v := instance(n, fmt.Sprintf("node%03d", n%300))
	v.Image, v.KeyName, v.Type = "emi-12345678", "mykey", cloud.DefaultTypes()[0]
	v.PublicKey = "ssh-ed25519 " + strings.Repeat("A", 68) + " alice@example.org"
	v.Reservation, v.Port, v.Public = cloud.ReservationID("r-"+id), cloud.PortID("port-"+id), ip
	tx.PutInstance(v)
	tx.PutPort(cloud.Port{ID: v.Port, Network: "net-00000001", Subnet: "subnet-00000001", Instance: v.ID, MAC: "d0:0d:" + id, IP: ip})
	for _, name := range []string{"ip/net-00000001/" + ip.String(), "mac/d0:0d:" + id, "public/" + ip.String()} {
		if err := tx.PutClaim(cloud.Claim{Name: name, Holder: string(v.ID)}); err != nil {
			panic(err)
		}
	}
}

// BenchmarkUpdate is one instance an update: on the disk it is the price of a sync, in
// memory that of everything else.
func BenchmarkUpdate(b *testing.B) {
	for _, c := range []struct {
		name string
		open func(b *testing.B) (*Store, error)
	}{
		{"disk", func(b *testing.B) (*Store, error) { return Open(b.TempDir(), Options{}) }},
		{"memory", func(*testing.B) (*Store, error) { return Open("state", Options{FS: vfs.NewMem()}) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			s, err := c.open(b)
			if err != nil {
				b.Fatal(err)
			}
			closing(b, s)
			n := 0
			for b.Loop() {
				n++
				update(b, s, func(tx *Tx) { run(tx, n) })
			}
		})
	}
}

// BenchmarkUpdateMany is one update of 1,000 instances.
func BenchmarkUpdateMany(b *testing.B) {
	s := openMem(b, vfs.NewMem())
	closing(b, s)
	n := 0
	for b.Loop() {
		update(b, s, func(tx *Tx) {
			for range 1000 {
				n++
				run(tx, n)
			}
		})
	}
}

// BenchmarkOpen100k opens 20,000 instances with their ports and claims.
func BenchmarkOpen100k(b *testing.B) {
	dir := b.TempDir()
	fill100k(b, dir)
	for b.Loop() {
		s, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func fill100k(b *testing.B, dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range 20 {
		update(b, s, func(tx *Tx) {
			for n := range 1000 {
				run(tx, i*1000+n)
			}
		})
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpenSmall is what every command pays.
func BenchmarkOpenSmall(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		s, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		update(b, s, func(tx *Tx) { run(tx, 1) })
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInstances lists 20,000 instances, and those of one host.
func BenchmarkInstances(b *testing.B) {
	s := openMem(b, vfs.NewMem())
	closing(b, s)
	update(b, s, func(tx *Tx) {
		for n := range 20000 {
			run(tx, n)
		}
	})
	tx := s.View()
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			if len(tx.Instances()) != 20000 {
				b.Fatal("some are missing")
			}
		}
	})
	b.Run("host", func(b *testing.B) {
		for b.Loop() {
			if len(tx.InstancesOn("node007")) != 67 {
				b.Fatal("some are missing")
			}
		}
	})
}
