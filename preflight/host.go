package preflight

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"eucactl/facts"
	"eucactl/inventory"
	"eucactl/plan"
)

// Host is one host as it showed itself. A question that was not answered is unknown,
// with the host's words, and nothing is concluded about it.
type Host struct {
	*inventory.Host
	Network inventory.Network // of its cluster
	Plan    plan.Host
	Silent  *Finding // it did not answer at all, and why

	Sent, Received time.Time // by the controller's clock

	unknown  map[string]string
	boot     facts.Boot
	stable   map[string]string // the host facts
	tools    []string
	account  facts.Account
	modules  map[string]string
	links    []facts.Link
	settings map[string]string
	routes   []facts.Route
	servers  []facts.DHCPServer
	governs  []facts.Process
	rules    facts.Ruleset
	capacity facts.Capacity
	kinds    []string // of machines that its libvirt starts
	machine  string
	clock    time.Time
}

// Answer is what a host said to one question: with an RC other than 0, nothing.
type Answer struct {
	RC    int
	Text  string
	Words string
}

// Questions are those that the host's role makes sense of. The clock is read first,
// with the boot id, and last.
func (h *Host) Questions() []facts.Section {
	list := []facts.Section{
		{Name: "boot", Script: facts.BootScript},
		{Name: "host", Script: facts.HostScript},
		{Name: "tools", Script: facts.Tools(h.wanted()...)},
		{Name: "accounts", Script: facts.Accounts(h.users()...)},
		{Name: "machine", Script: facts.MachineScript},
		{Name: "links", Script: facts.LinksScript},
		{Name: "settings", Script: facts.NetSettingsScript},
		{Name: "routes", Script: facts.RoutesScript},
		{Name: "capacity", Script: facts.CapacityScript},
	}
	if h.Frontend || h.IsNode {
		list = append(list, facts.Section{Name: "modules", Script: facts.ModulesScript}, facts.Section{Name: "servers", Script: facts.DHCPServersScript},
			facts.Section{Name: "governors", Script: facts.GovernorsScript}, facts.Section{Name: "rules", Script: facts.RulesetScript})
	}
	if h.IsNode {
		list = append(list, facts.Section{Name: "hypervisor", Script: facts.HypervisorScript})
	}
	return append(list, facts.Section{Name: "clock", Script: facts.ClockScript})
}

// Read takes the answers.
func (h *Host) Read(answers map[string]Answer) {
	h.unknown = map[string]string{}
	take(h, answers, "boot", facts.ReadBoot, &h.boot)
	take(h, answers, "host", facts.ReadHost, &h.stable)
	take(h, answers, "tools", facts.ReadTools, &h.tools)
	take(h, answers, "accounts", facts.ReadAccounts, &h.account)
	take(h, answers, "machine", facts.ReadMachine, &h.machine)
	take(h, answers, "links", facts.ReadLinks, &h.links)
	take(h, answers, "settings", facts.ReadNetSettings, &h.settings)
	take(h, answers, "routes", facts.ReadRoutes, &h.routes)
	take(h, answers, "capacity", facts.ReadCapacity, &h.capacity)
	take(h, answers, "modules", facts.ReadModules, &h.modules)
	take(h, answers, "servers", facts.ReadDHCPServers, &h.servers)
	take(h, answers, "governors", facts.ReadGovernors, &h.governs)
	take(h, answers, "rules", facts.ReadRuleset, &h.rules)
	take(h, answers, "hypervisor", facts.ReadHypervisor, &h.kinds)
	take(h, answers, "clock", facts.ReadClock, &h.clock)
}

// take reads an answer into to, or notes why it says nothing.
func take[T any](h *Host, answers map[string]Answer, name string, read func(string) (T, error), to *T) {
	a, answered := answers[name]
	switch v, err := read(a.Text); {
	case !answered:
		h.unknown[name] = "the host did not say"
	case a.RC != 0:
		h.unknown[name] = cmp.Or(lastLine(a.Words), fmt.Sprintf("exit status %d", a.RC))
	case err != nil:
		h.unknown[name] = err.Error()
	default:
		*to = v
	}
}

func lastLine(words string) string {
	words = strings.TrimSpace(words)
	return words[strings.LastIndexByte(words, '\n')+1:]
}

// link finds an interface by its name.
func (h *Host) link(name string) (facts.Link, bool) {
	for _, link := range h.links {
		if link.Name == name {
			return link, true
		}
	}
	return facts.Link{}, false
}

// found makes a finding about this host.
func (h *Host) found(severity, words, evidence, fix string) Finding {
	return Found(severity, h.Name, words, evidence, fix)
}

// Segment is the interface of a host on the segment that carries the guests, or their
// VLANs; "" if it has none.
func Segment(h *inventory.Host, n inventory.Network) string {
	switch {
	case h.Frontend:
		return n.PrivInterface
	case h.IsNode && n.Mode == inventory.Managed:
		return h.Node.Interface
	}
	return h.Node.Bridge
}

func (h *Host) segment() string { return Segment(h.Host, h.Network) }
