package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"eucactl/e2e/lab"
)

// Of the benchmark of a reconcile.
const (
	idleNodes = 19
	idleTurns = 5
)

// BenchmarkReconcile reconciles 20 hosts of which nothing is to be changed: a frontend in use, with a group, an address
// and a guest, and 19 nodes with libvirt, one of which runs that guest. The floor looks at the same things with one
// hand-written script a host, over 20 SSH connections at once. Both begin without a connection.
func BenchmarkReconcile(b *testing.B) {
	s := newSite(b, idleNodes)
	s.byEucactl(b)
	s.do(b, "reconcile")
	for range b.N {
		var ours, floor, open, start []time.Duration
		for range idleTurns {
			ours = append(ours, took(func() { s.do(b, "reconcile") }))
			floor = append(floor, took(func() { s.lookByHand(b) }))
			open = append(open, took(func() { s.do(b, "describe-users") }))
			start = append(start, took(func() { s.on(b, ".", "exec true") }))
		}
		figures.times("reconcile 20 hosts, nothing to do / 20 SSH sessions", ours, floor)
		figures.times("  of which to start and open the records / a shell", open, start)
	}
}

// nodeLook and frontendLook are what somebody would write who wants to see whether a host is as it should be.
const (
	nodeLook = `cat /proc/sys/kernel/random/boot_id
[ -d /sys/class/net/br0/bridge ] || exit 1
nproc; grep MemTotal /proc/meminfo; df -Pk /var/lib
virsh -q list --all
find /var/lib/eucalyptus -maxdepth 3`
	frontendLook = `cat /proc/sys/kernel/random/boot_id
nproc; grep MemTotal /proc/meminfo; df -Pk /var/lib
cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/send_redirects /proc/sys/net/ipv4/conf/eth0/send_redirects
ip -o -4 addr show; iptables-save -t filter; iptables-save -t nat; ipset save; conntrack -L 2>/dev/null
cat /run/eucalyptus/eucactl-dhcpd.conf; pgrep dhcpd`
)

// lookByHand runs the scripts on all hosts at once.
func (s *site) lookByHand(b *testing.B) {
	config := login(b, s.Key())
	var group errgroup.Group
	for _, h := range s.Hosts() {
		script := map[lab.Role]string{lab.Frontend: frontendLook, lab.Node: nodeLook}[h.Role]
		if script == "" {
			continue
		}
		group.Go(func() error {
			conn, err := s.Dial(context.Background(), "tcp", h.Addr().String()+":22")
			if err != nil {
				return err
			}
			if err := run(conn, config, script); err != nil {
				return fmt.Errorf("%s: %w", h.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}
