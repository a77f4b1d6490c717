package controller

import (
	"net/netip"
	"path"

	"eucactl/cloud"
	"eucactl/facts"
	"eucactl/tasks"
)

// observe turns a reply into what is kept of it. Nothing is concluded from what was
// not said: a section that failed leaves what was known before, with its date.
func (v *visit) observe(rep tasks.Report, out HostReport) {
	s := &v.seen
	if rep.Busy != "" { // somebody else is there; nothing was looked at
		s.Unsent = v.fence.Token
		return
	}
	if rep.Fenced != nil {
		s.Unsent, s.Obeys = v.fence.Token, rep.Fenced.Cloud+" "+rep.Fenced.Token
		s.Problem = out.Words
		return
	}
	if v.passed {
		s.Token, s.Unsent, s.Obeys = v.fence.Token, "", ""
	}
	if !rep.Done {
		s.Problem = out.Words
		return
	}
	s.Problem, s.At, s.PlanRev = "", v.c.Now(), v.tx.Rev()
	s.Failed, s.Ran = nil, out.Failed == 0
	for _, t := range out.Tasks {
		if tasks.Outcome(t.Outcome).Bad() {
			s.Failed = append(s.Failed, t.Name+": "+lastLine(t.Words))
		}
	}
	if v.host.Frontend && s.Ran {
		s.FrontRev = s.PlanRev
	}
	v.sections(rep, s.PlanRev)
}

// sections reads the answers. rev is of the plan that the host had carried out when
// it gave them.
func (v *visit) sections(rep tasks.Report, rev uint64) {
	s := &v.seen
	if boot, ok := section(rep, "boot", facts.ReadBoot); ok {
		s.BootID = boot.ID
	}
	if c, ok := section(rep, "capacity", facts.ReadCapacity); ok {
		s.Capacity = cloud.Capacity{Cores: c.Cores, Memory: c.Memory, Disk: c.Disk}
	}
	if list, ok := section(rep, "ours", facts.ReadOurs); ok {
		s.Links, s.LinksRev = list, rev
	}
	if list, ok := section(rep, "neighbours", facts.ReadNeighbours); ok {
		s.Neighbours = v.guests(list)
	}
	if f, ok := section(rep, "others", facts.ReadOthers); ok {
		s.Chains, s.Warnings = f.Chains, f.Warnings()
	}
	if list, ok := section(rep, "instances", facts.ReadInstances); ok {
		s.Folders, s.FoldersRev = nil, rev
		for _, d := range list {
			s.Folders = append(s.Folders, path.Base(d.Path))
		}
	}
	if list, ok := section(rep, "domains", facts.ReadDomains); ok {
		s.Domains, s.DomainsAt, s.DomainsRev = nil, s.At, rev
		for _, d := range list {
			s.Domains = append(s.Domains, cloud.SeenDomain{
				Name: d.Name, Cloud: d.Cloud, State: d.State, Reason: d.Reason, PoweredOff: d.PoweredOff, Pending: d.PendingRestart,
			})
		}
	}
}

// guests are the neighbours whose cards are our guests', where nobody but the guest
// itself knows its address (SYSTEM). What was known stays while the guest is silent;
// others are not our business.
func (v *visit) guests(neighbours map[string]netip.Addr) map[string]netip.Addr {
	known := map[string]netip.Addr{}
	for _, net := range v.tx.NetworksIn(v.host.Cluster) {
		for _, port := range v.tx.PortsOf(net.ID) {
			if port.IP.IsValid() {
				continue
			}
			for _, list := range []map[string]netip.Addr{v.seen.Neighbours, neighbours} {
				if ip, ok := list[port.MAC]; ok {
					known[port.MAC] = ip
				}
			}
		}
	}
	if len(known) == 0 {
		return nil
	}
	return known
}

// section reads a section that was answered with status 0 and makes sense.
func section[T any](rep tasks.Report, name string, read func(string) (T, error)) (v T, ok bool) {
	a, there := rep.Sections[name]
	if !there || a.RC != 0 {
		return v, false
	}
	v, err := read(a.Text)
	return v, err == nil
}
