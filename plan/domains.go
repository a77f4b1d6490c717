package plan

import (
	"slices"
	"strings"

	"eucactl/cloud"
	"eucactl/inventory"
)

// Paths on nodes.
const (
	instancesDir = "/var/lib/eucalyptus/instances"
	imagesDir    = "/var/lib/eucactl/host/images"
)

// compileNode gathers a node's machines: those that must run, and by name those
// that must not be.
func compileNode(r Records, inv *inventory.Inventory, h *inventory.Host, c cloud.Cloud) *Node {
	n := &Node{Bridge: h.Node.Bridge, Hypervisor: h.Node.Hypervisor}
	mode := inventory.Mode(c.Networks[h.Cluster].Mode)
	if mode == inventory.Managed {
		n.Bridge = ""
	}
	images := map[string]Image{}
	used := map[cloud.NetworkID]bool{}
	for _, in := range r.InstancesOn(h.Name) {
		switch {
		case in.Want == cloud.Running:
			port, _ := r.Port(in.Port)
			m := machine(r, in, c.ID, port)
			m.Bridge = n.Bridge
			if net, ok := r.Network(port.Network); ok && mode == inventory.Managed {
				m.Bridge = bridgeOf(net)
			}
			if mode.Groups() {
				n.Senders = append(n.Senders, Sender{m.Dev, m.MAC, port.IP})
			}
			n.Machines = append(n.Machines, m)
			used[port.Network] = true
			for _, i := range []Image{m.Image, m.Kernel, m.Ramdisk} {
				if i.Sum != "" {
					images[i.Sum] = i
				}
			}
		case in.Released.IsZero() || in.DeclaredBy != "":
			n.Gone = append(n.Gone, gone(in))
		}
	}
	n.Segments, n.GoneSegments = nodeSegments(r, h, used)
	n.Gone = append(n.Gone, undelivered(r, inv, h)...)
	for _, i := range images {
		n.Images = append(n.Images, i)
	}
	slices.SortFunc(n.Images, func(a, b Image) int { return strings.Compare(a.ID+a.Sum, b.ID+b.Sum) })
	return n
}

func machine(r Records, in cloud.Instance, cloudID string, port cloud.Port) Machine {
	return Machine{
		ID: string(in.ID), UUID: uuid(cloudID, in.ID), Owner: in.Owner, Dir: InstanceDir(in), Hostname: in.Hostname,
		Cores: in.Type.Cores, Memory: in.Type.Memory, Disk: in.Type.Disk * 1024,
		Image: image(r, in.Image), Kernel: image(r, in.Kernel), Ramdisk: image(r, in.Ramdisk),
		Seed: Seed{in.SeedSum, in.SeedSize}, MAC: port.MAC, Dev: string(in.ID), Reboots: in.Reboots,
	}
}

func image(r Records, id cloud.ImageID) Image {
	i, ok := r.Image(id)
	if !ok {
		return Image{}
	}
	return Image{ID: string(i.ID), Sum: i.Sum, Size: i.Size, Format: i.Format, Path: imagesDir + "/" + i.Sum}
}

// InstanceDir is the folder of an instance on its node.
func InstanceDir(in cloud.Instance) string {
	return instancesDir + "/" + in.Owner + "/" + string(in.ID)
}

func gone(in cloud.Instance) Gone { return Gone{ID: string(in.ID), Dir: InstanceDir(in)} }

// undelivered are the tombstones of instances whose own node does not answer: the
// order goes, by name, to every node of the cluster (A24). What the others answer
// releases nothing.
func undelivered(r Records, inv *inventory.Inventory, h *inventory.Host) (list []Gone) {
	for _, in := range r.InstancesEnding(h.Cluster) {
		if in.Host == h.Name {
			continue
		}
		if seen, ok := r.Seen(in.Host); ok && seen.Problem != "" {
			list = append(list, gone(in))
		}
	}
	return list
}
