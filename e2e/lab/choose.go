package lab

import (
	"fmt"
	"slices"

	"eucactl/inventory"
)

// choose settles what a new lab is like. A lab that stands stays as it is: its hosts are cabled for one mode.
func (l *Lab) choose(o Options) error {
	if !slices.Contains([]Kernel{"", SharedKernel, OwnKernel}, o.Kernel) {
		return fmt.Errorf("kernel %q: want %s or %s", o.Kernel, SharedKernel, OwnKernel)
	}
	modes := []inventory.Mode{"", inventory.System, inventory.Static, inventory.Managed, inventory.ManagedNoVLAN}
	if !slices.Contains(modes, o.Mode) {
		return fmt.Errorf("network mode %q: want one of %q", o.Mode, modes[1:])
	}
	if o.Kernel == OwnKernel && o.Systemd {
		return fmt.Errorf("a host with its own kernel has the lab's own process 1, not systemd")
	}
	if len(l.hosts) == 0 {
		l.kernel, l.mode = o.Kernel, o.Mode
	}
	if l.kernel == "" {
		l.kernel = SharedKernel
	}
	if l.mode == "" {
		l.mode = inventory.ManagedNoVLAN
	}
	if o.Kernel != "" && o.Kernel != l.kernel {
		return fmt.Errorf("lab %s stands with hosts on %s kernels; take it down first", l.Name, l.kernel)
	}
	if o.Mode != "" && o.Mode != l.mode {
		return fmt.Errorf("lab %s stands with hosts for %s; take it down first", l.Name, l.mode)
	}
	return nil
}

// bridged says whether nodes have a bridge br0 with their own address on it. In MANAGED mode guests meet on bridges
// that eucactl makes beside VLANs of eth0.
func (l *Lab) bridged() bool { return l.mode != inventory.Managed }

// kernelFor is what a new host of that role runs on. Somebody outside needs nothing that the machine's lacks.
func (l *Lab) kernelFor(role Role) Kernel {
	if role == Client || role == DHCP {
		return SharedKernel
	}
	return l.kernel
}
