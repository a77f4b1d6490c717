package host

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var instanceName = regexp.MustCompile(`^i-[0-9a-f]{8}$`)

// noVirsh: libvirt does not answer, which is not to say that there is nothing.
func (p *process) noVirsh() bool { return p.dead("virsh") || !p.m.o.Node }

// domainLook finds a domain of ours: 0, 1 if there is none, 2 if that cannot be told.
func domainLook(p *process, name string) (*domain, int) {
	if p.noVirsh() {
		return nil, p.words(2, "libvirt does not answer (virsh: 1): error: failed to connect to the hypervisor")
	}
	d := p.m.domains[name]
	switch {
	case d == nil:
		return nil, 1
	case !instanceName.MatchString(name):
		return nil, p.words(2, "libvirt listed "+name+", but then did not say what it is")
	}
	switch d.metadata() {
	case fmt.Sprintf(`<instance cloud="%s" name="%s"/>`, p.cloud, name):
		return d, 0
	case "":
		return nil, p.words(2, "a domain "+name+" exists that was not made by this cloud; it is left alone")
	}
	return nil, p.words(2, "a domain "+name+" exists that belongs to another cloud or machine; it is left alone")
}

// domainMarks are what was defined last, and the last start.
type domainMarks struct {
	sum, since, ran string
	count           int
}

func readMarks(p *process, dir string) (k domainMarks) {
	k.sum = p.m.files.firstLine(dir + "/domain.sum")
	since, rest := readWord(p.m.files.firstLine(dir + "/started"))
	count, ran := readWord(rest)
	k.since, k.count, k.ran = since, atoi(count), ran
	if k.count < 0 {
		k.since, k.count = "", 0
	}
	return k
}

// defined: libvirt keeps this definition, and so do we.
func (k domainMarks) defined(p *process, d *domain, dir, sum string) bool {
	_, copied := p.m.files.read(dir + "/domain.xml")
	return k.sum == sum && copied && d.persistent
}

// off: the guest switched it off in this boot of the host.
func (d *domain) off(p *process, k domainMarks) bool {
	if d.state != "shut off" || k.since != p.m.boot {
		return false
	}
	return d.reason == "shutdown" || d.reason == "unknown" && strings.HasSuffix(p.m.logs[d.next.name].last, "reason=shutdown")
}

func checkDomain(p *process, args []string) int {
	d, rc := domainLook(p, args[0])
	if rc != 0 {
		return rc
	}
	k := readMarks(p, args[1])
	switch {
	case !k.defined(p, d, args[1], args[3]):
		return 1
	case d.active():
		return oneIf(k.since != p.m.boot || k.count < atoi(args[2]))
	}
	return oneIf(!d.off(p, k))
}

func applyDomain(p *process, args []string) int {
	name, dir, sum := args[0], args[1], args[3]
	if owner := p.m.files.firstLine(dir + "/owner"); owner != p.cloud+" "+name {
		return p.words(2, fmt.Sprintf("%s is not the folder of machine %s: its owner is %q", dir, name, owner))
	}
	d, is := domainLook(p, name)
	if is == 2 {
		return 2
	}
	k := readMarks(p, dir)
	if is == 1 || !k.defined(p, d, dir, sum) {
		if rc := domainDefine(p, dir, sum); rc != 0 {
			return rc
		}
	}
	switch {
	case is == 0 && d.active():
		if k.sum != sum {
			p.print("pending restart: " + name + " runs as it was defined before, until it is stopped and started\n")
		}
		return domainReboot(p, args, k)
	case is == 0 && d.off(p, k):
		p.print(name + " was switched off by its guest and stays off\n")
		return 0
	}
	return domainStart(p, args)
}

func domainDefine(p *process, dir, sum string) int {
	xml, ok := p.blob(sum)
	if !ok {
		return 1
	}
	if rc := p.write(dir+"/domain.xml.new", xml, 0o600); rc != 0 {
		return rc
	}
	next, err := readDefinition(xml)
	if err == nil {
		err = p.m.cannotDefine(next)
	}
	if err != nil {
		return p.words(1, "error: "+err.Error())
	}
	p.do("virsh define "+next.name, func() { p.m.define(next) })
	if rc := p.rename(dir+"/domain.xml.new", dir+"/domain.xml"); rc != 0 {
		return rc
	}
	return p.replace(dir+"/domain.sum", sum+"\n", 0o600)
}

func domainMark(p *process, dir, reboots, sum string) int {
	return p.replace(dir+"/started", p.m.boot+" "+reboots+" "+or(sum, "-")+"\n", 0o600)
}

// domainStart marks after the start: the other way round, a kill between the two
// could make an old end of the guest look new.
func domainStart(p *process, args []string) int {
	name := args[0]
	if why := p.m.cannotStart(p.m.domains[name]); why != "" {
		return p.words(1, "error: Failed to start domain '"+name+"'\nerror: "+why)
	}
	p.do("virsh start "+name, func() { p.m.start(name) })
	return domainMark(p, args[1], args[2], args[3])
}

func domainReboot(p *process, args []string, k domainMarks) int {
	if k.since != p.m.boot {
		return domainMark(p, args[1], args[2], k.sum)
	}
	if k.count < atoi(args[2]) {
		p.do("virsh reset "+args[0], func() { p.m.domains[args[0]].resets++ })
		return domainMark(p, args[1], args[2], k.ran)
	}
	return 0
}

func diffDomain(p *process, args []string) string {
	text, _ := p.m.files.read(args[1] + "/domain.xml")
	return text
}

// goneDefined tells of a domain that has to go: 0, 1 if there is none, 2 if it is
// somebody's or that cannot be told.
func goneDefined(p *process, name string) int {
	if p.noVirsh() {
		return p.words(2, "libvirt does not answer (virsh: 1): error: failed to connect to the hypervisor")
	}
	d := p.m.domains[name]
	if d == nil {
		return 1
	}
	mark := d.metadata()
	if mark == fmt.Sprintf(`<instance cloud="%s" name="%s"/>`, p.cloud, name) {
		return 0
	}
	return p.words(2, "a domain "+name+" exists that was not made by this cloud; it is left alone: "+mark)
}

// goneDir tells the same of its folder.
func goneDir(p *process, name, dir string) int {
	if !p.m.files.exists(dir) && !p.m.files.isLink(dir) {
		return 1
	}
	owner := ""
	if !strings.Contains(dir, "/../") && !strings.Contains(dir, "/./") && base(dir) == name && strings.Count(dir, "/") >= 3 {
		owner = p.m.files.firstLine(dir + "/owner")
		others := slices.ContainsFunc(p.m.files.children(dir), func(path string) bool { return base(path) != "owner.new" })
		if link := p.m.files.isLink(dir); !link && (owner == p.cloud+" "+name || !others) {
			return 0
		}
	}
	return p.words(2, fmt.Sprintf("%s is not the folder of our machine %s, its owner is %q; it is left alone", dir, name, owner))
}

func checkDomainGone(p *process, args []string) int {
	for _, is := range []func() int{
		func() int { return goneDefined(p, args[0]) },
		func() int { return goneDir(p, args[0], args[1]) },
	} {
		if rc := is(); rc == 0 {
			return 1
		} else if rc == 2 {
			return 2
		}
	}
	return 0
}

func applyDomainGone(p *process, args []string) int {
	name, dir := args[0], args[1]
	defined, has := goneDefined(p, name), goneDir(p, name, dir)
	if defined == 2 || has == 2 {
		return 2
	}
	if defined == 0 {
		if rc := domainRemove(p, name); rc != 0 {
			return rc
		}
	}
	if has == 0 {
		return removeFolder(p, dir)
	}
	return 0
}

func domainRemove(p *process, name string) int {
	if p.m.domains[name].active() {
		p.do("virsh destroy "+name, func() { p.m.ends(name, "destroyed") })
	}
	if p.m.domains[name] == nil {
		return p.words(1, "error: failed to get domain '"+name+"'")
	}
	p.do("virsh undefine "+name, func() {
		p.m.undefine(name)
		p.m.destroyed = append(p.m.destroyed, name)
	})
	return 0
}

// removeFolder takes the owner mark last, so that a removal that was cut is taken up again.
func removeFolder(p *process, dir string) int {
	if p.faults.Stuck {
		return p.words(1, "rm: cannot remove '"+dir+"/disk': Operation not permitted")
	}
	for _, path := range p.m.files.children(dir) {
		if base(path) != "owner" {
			p.remove(path)
		}
	}
	p.remove(dir + "/owner")
	p.do("rmdir "+dir, func() {
		p.m.files.remove(dir)
		p.m.destroyed = append(p.m.destroyed, base(dir))
	})
	return 0
}
