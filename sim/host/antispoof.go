package host

import (
	"slices"
	"strings"

	"eucactl/tasks"
)

// antispoofTable is the name of the cloud's nftables table of the bridge family.
func antispoofTable(p *process) string { return "eucactl_" + p.cloud }

func antispoofFile(p *process) string { return p.hostDir + "/antispoof-" + p.cloud }

// antispoofMark is what is kept of the table that was loaded last.
func antispoofMark(sum, text string) string { return sum + "\n" + tasks.Sum(text) + "\n" }

func (p *process) noNft() bool {
	if p.dead("nft") {
		p.words(2, "antispoof: there is no nft on this host: apt-get install nftables")
		return true
	}
	return false
}

// guestUp tells whether a machine's interface exists, which must not be unguarded.
func (m *Machine) guestUp() bool {
	for _, d := range m.domains {
		if d.active() && strings.HasPrefix(d.live.dev, "i-") {
			return true
		}
	}
	return false
}

func checkAntispoof(p *process, args []string) int {
	if args[1] == "absent" {
		return oneIf(p.m.files.isFile(antispoofFile(p)) && !p.m.guestUp())
	}
	if p.noNft() {
		return 2
	}
	text, loaded := p.m.bridgeTables[antispoofTable(p)]
	mark, _ := p.m.files.read(antispoofFile(p))
	return oneIf(!loaded || mark != antispoofMark(args[0], text))
}

func applyAntispoof(p *process, args []string) int {
	if p.noNft() {
		return 2
	}
	name := antispoofTable(p)
	if args[1] == "absent" {
		if _, loaded := p.m.bridgeTables[name]; loaded {
			p.do("nft delete table bridge "+name, func() { delete(p.m.bridgeTables, name) })
		}
		p.remove(antispoofFile(p))
		return 0
	}
	if rc := p.mkdir(p.hostDir, 0o700); rc != 0 {
		return rc
	}
	if !p.m.files.exists(antispoofFile(p)) {
		if rc := p.write(antispoofFile(p), "", 0o600); rc != 0 {
			return rc
		}
	}
	text, ok := p.blob(args[0])
	if !ok {
		return 1
	}
	p.do("nft -f", func() { p.m.bridgeTables[name] = text })
	return p.replace(antispoofFile(p), antispoofMark(args[0], text), 0o600)
}

func diffAntispoof(p *process, _ []string) string { return p.m.bridgeTables[antispoofTable(p)] }

// Bound tells whether a machine may only send as itself: there is a table that drops what
// others send, and lets through what it may.
func (m *Machine) Bound(name string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.domains[name]
	for _, text := range m.bridgeTables {
		if d != nil && strings.Contains(text, `iifname "i-*" jump guest`) && strings.HasPrefix(d.live.dev, "i-") {
			return true
		}
	}
	return false
}

// senders are the senders that a table lets through, a line, sorted.
func senders(text string) string {
	_, set, _ := strings.Cut(text, "set senders {")
	senders := strings.Split(between(set, "elements = {", "}"), ",")
	for i := range senders {
		senders[i] = strings.Join(strings.Fields(senders[i]), " ")
	}
	slices.Sort(senders)
	return strings.Join(senders, ", ")
}
