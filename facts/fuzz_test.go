package facts

import (
	"reflect"
	"testing"
)

// FuzzReaders gives any text to every reader: each answers or refuses, and what it
// answered does not depend on anything else.
func FuzzReaders(f *testing.F) {
	for _, name := range []string{
		"host-debian-12.txt", "boot.txt", "capacity.txt", "domains-libvirt-9.0.0.txt", "domains-libvirt-9.0.0-restarted.txt",
		"instances.txt", "links-iproute2-6.1.0.json", "rules-iptables-1.8.9-nft.txt", "leases-dhcpd-4.4.3.txt",
	} {
		f.Add(testdata(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		twice(t, text, ReadHost)
		twice(t, text, ReadBoot)
		twice(t, text, ReadInstances)
		twice(t, text, ReadLinks)
		twice(t, text, ReadRules)
		twice(t, text, ReadOthers)
		twice(t, text, ReadLeases)
		twice(t, text, ReadConsole)
		twice(t, text, ReadClock)
		twice(t, text, ReadTools)
		twice(t, text, ReadAccounts)
		twice(t, text, ReadModules)
		twice(t, text, ReadRoutes)
		twice(t, text, ReadMachine)
		twice(t, text, ReadHypervisor)
		twice(t, text, ReadGovernors)
		twice(t, text, ReadVLANs)
		twice(t, text, ReadPings)
		twice(t, text, ReadClaimants)
		twice(t, text, ReadOffer)
		if c, err := ReadCapacity(text); err == nil && (c.Cores <= 0 || c.Memory < 0 || c.DiskFree > c.Disk) {
			t.Errorf("%+v", c)
		}
		list, err := ReadDomains(text)
		if err != nil && list != nil {
			t.Error("a list and an error")
		}
		for _, d := range list {
			if d.Name == "" || d.PoweredOff && (d.Active() || d.Cloud == "") || d.PendingRestart && !d.Active() {
				t.Errorf("%+v", d)
			}
		}
	})
}

func twice[T any](t *testing.T, text string, read func(string) (T, error)) {
	t.Helper()
	a, err := read(text)
	b, again := read(text)
	if (err == nil) != (again == nil) || !reflect.DeepEqual(a, b) {
		t.Errorf("%v %v, then %v %v", a, err, b, again)
	}
}
