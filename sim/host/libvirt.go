package host

import (
	"fmt"
	"strings"

	"eucactl/tasks"
)

// domain is what libvirt and QEMU have of a machine.
type domain struct {
	persistent    bool
	next, live    definition // for its next start, and what it runs with
	state, reason string
	resets        int
}

// runLog is the file that libvirt writes about a machine's starts and ends. It outlives
// the machine.
type runLog struct {
	last   string // line about a start or an end
	starts int
}

// definition is what the model reads of a domain's XML.
type definition struct {
	sum, name, uuid string
	cloud, of       string // of our metadata
	mac, bridge     string
	dev             string   // its interface on the host
	files           []string // that QEMU opens
	console         string
}

// Domain is what libvirt says of one.
type Domain struct {
	Active         bool
	State, Reason  string // "shut off", "crashed"
	Cloud          string // of its metadata
	MAC, Bridge    string
	Starts, Resets int
}

func (d *domain) active() bool { return d.state != "shut off" && d.state != "crashed" }

// now is the definition that virsh speaks of by itself.
func (d *domain) now() definition {
	if d.active() {
		return d.live
	}
	return d.next
}

// metadata is what virsh metadata NAME urn:eucactl prints.
func (d *domain) metadata() string {
	if now := d.now(); now.cloud != "" {
		return fmt.Sprintf(`<instance cloud="%s" name="%s"/>`, now.cloud, now.of)
	}
	return ""
}

// readDefinition takes from an XML what matters, as templates/domain.xml.j2 writes it.
func readDefinition(xml string) (d definition, err error) {
	d.sum = tasks.Sum(xml)
	d.name = between(xml, "<name>", "</name>")
	d.uuid = between(xml, "<uuid>", "</uuid>")
	d.mac = between(xml, `<mac address="`, `"`)
	d.bridge = between(xml, `<source bridge="`, `"`)
	d.dev = between(between(xml, "<interface ", "</interface>"), `<target dev="`, `"`)
	if mark := between(xml, "<eucactl:instance ", "/>"); mark != "" {
		d.cloud, d.of = between(mark, `cloud="`, `"`), between(mark, ` name="`, `"`)
	}
	for _, key := range []string{"<kernel>", "<initrd>"} {
		if path := between(xml, key, "</"); path != "" {
			d.files = append(d.files, path)
		}
	}
	for rest := xml; ; {
		_, after, ok := strings.Cut(rest, `<source file="`)
		if !ok {
			break
		}
		path, tail, _ := strings.Cut(after, `"`)
		d.files, rest = append(d.files, path), tail
	}
	if serial := between(xml, "<serial ", "</serial>"); serial != "" {
		d.console = between(serial, `<source path="`, `"`)
	}
	if d.name == "" || d.uuid == "" || !strings.HasPrefix(xml, "<domain ") {
		return d, fmt.Errorf("XML error: no domain with a name and a uuid")
	}
	return d, nil
}

func between(s, left, right string) string {
	_, s, ok := strings.Cut(s, left)
	s, _, end := strings.Cut(s, right)
	if !ok || !end {
		return ""
	}
	return s
}

// cannotDefine is why virsh define would fail.
func (m *Machine) cannotDefine(next definition) error {
	for name, d := range m.domains {
		if (d.next.uuid == next.uuid) != (name == next.name) {
			return fmt.Errorf("operation failed: domain '%s' already exists with uuid %s", name, d.next.uuid)
		}
	}
	return nil
}

// define is virsh define; what a running one runs with stays.
func (m *Machine) define(next definition) {
	d := m.domains[next.name]
	if d == nil {
		d = &domain{state: "shut off", reason: "unknown"}
		m.domains[next.name] = d
	}
	d.persistent, d.next = true, next
}

// cannotStart is why virsh start would fail.
func (m *Machine) cannotStart(d *domain) string {
	for _, path := range d.next.files {
		if !m.files.isFile(path) {
			return "Cannot access storage file '" + path + "': No such file or directory"
		}
	}
	if l := m.links[d.next.bridge]; d.next.bridge != "" && (l == nil || !l.bridge) {
		return "Cannot get interface MTU on '" + d.next.bridge + "': No such device"
	}
	return ""
}

func (m *Machine) start(name string) {
	d := m.domains[name]
	d.state, d.reason, d.live = "running", "booted", d.next
	log := runLog{": starting up libvirt", m.logs[name].starts + 1}
	m.logs[name] = log
	if old, _ := m.files.read(d.live.console); d.live.console != "" {
		m.files.put(d.live.console, old+fmt.Sprintf("%s: start %d\n", name, log.starts), 0o600)
	}
}

// ends is how a run of it ends; one that is not persistent is gone then.
func (m *Machine) ends(name, reason string) {
	d := m.domains[name]
	d.state, d.reason = "shut off", reason
	m.logs[name] = runLog{": shutting down, reason=" + reason, m.logs[name].starts}
	if !d.persistent {
		delete(m.domains, name)
	}
}

func (m *Machine) undefine(name string) {
	if d := m.domains[name]; d.active() {
		d.persistent = false
		return
	}
	delete(m.domains, name)
}

// hostDown is a host that fails under it: nobody wrote down how it ended.
func (d *domain) hostDown(m *Machine, name string) {
	if !d.persistent {
		delete(m.domains, name)
		return
	}
	d.state, d.reason = "shut off", "unknown"
}

// PowerOff is the guest's own wish; false if it does not run.
func (m *Machine) PowerOff(name string) bool { return m.guestEnds(name, "shutdown") }

// Crash is the end of a guest that nobody wished for.
func (m *Machine) Crash(name string) bool { return m.guestEnds(name, "crashed") }

func (m *Machine) guestEnds(name, reason string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := m.domains[name]; d == nil || !d.active() {
		return false
	}
	m.ends(name, reason)
	return true
}

// Domains are all of libvirt's.
func (m *Machine) Domains() map[string]Domain {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[string]Domain, len(m.domains))
	for name, d := range m.domains {
		now := d.now()
		all[name] = Domain{d.active(), d.state, d.reason, now.cloud, now.mac, now.bridge, m.logs[name].starts, d.resets}
	}
	return all
}
