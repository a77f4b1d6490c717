package host

import (
	"strings"

	"eucactl/tasks"
)

// kinds are the words that the model knows, one group a file.
func kinds(name string) (kind, bool) {
	switch name {
	case "dir":
		return kind{check: checkDir, apply: applyDir}, true
	case "rendered":
		return kind{check: checkFile, apply: applyFile, diff: diffFile}, true
	case "absent":
		return kind{check: checkAbsent, apply: applyAbsent}, true
	case "service":
		return kind{check: checkService, apply: applyService}, true
	case "kernel_setting":
		return kind{check: checkSysctl, apply: applySysctl}, true
	case "bridge":
		return kind{check: checkBridge, apply: applyBridge}, true
	case "vlan":
		return kind{check: checkVlan, apply: applyVlan}, true
	case "antispoof":
		return kind{check: checkAntispoof, apply: applyAntispoof, diff: diffAntispoof}, true
	case "address":
		return kind{check: checkAddress, apply: applyAddress}, true
	case "address_gone":
		return kind{check: checkAddressGone, apply: applyAddressGone}, true
	case "flows":
		return kind{check: checkFlows, apply: applyFlows}, true
	case "dhcpd":
		return kind{check: checkDhcpd, apply: applyDhcpd, diff: diffDhcpd}, true
	case "dhcpd_gone":
		return kind{check: checkDhcpdGone, apply: applyDhcpdGone, diff: diffDhcpdGone}, true
	}
	if k, ok := firewallKinds(name); ok {
		return k, true
	}
	return machineKinds(name)
}

func firewallKinds(name string) (kind, bool) {
	switch name {
	case "ipsets_shrink":
		return kind{check: checkSetsShrink, apply: applySetsShrink}, true
	case "ipsets_grow":
		return kind{check: checkSetsGrow, apply: applySetsGrow}, true
	case "ipsets_gone":
		return kind{check: checkSetsGone, apply: applySetsGone}, true
	case "preload":
		return kind{check: checkPreload, apply: applyPreload, diff: diffPreload}, true
	case "chains_gone":
		return kind{check: checkChainsGone, apply: applyChainsGone}, true
	case "chains":
		return kind{check: checkChains, apply: applyChains, diff: diffChains}, true
	}
	return kind{}, false
}

func machineKinds(name string) (kind, bool) {
	switch name {
	case "machine_dir":
		return kind{check: checkMachineDir, apply: applyMachineDir}, true
	case "image":
		return kind{check: checkImage, apply: applyImage}, true
	case "disk":
		return kind{check: checkDisk, apply: applyDisk}, true
	case "seed":
		return kind{check: checkSeed, apply: applySeed}, true
	case "domain":
		return kind{check: checkDomain, apply: applyDomain, diff: diffDomain}, true
	case "domain_gone":
		return kind{check: checkDomainGone, apply: applyDomainGone}, true
	}
	return kind{}, false
}

// octal reads a mode as chmod does.
func octal(s string) (n int) {
	for _, c := range s {
		n = n<<3 | int(c-'0')
	}
	return n
}

// owned tells whether a file has the owner asked for. Of numbers only root's is known.
func owned(f *file, owner string) bool {
	return f.owner == owner || f.owner == "root:root" && owner == "0:0"
}

func checkDir(p *process, args []string) int {
	f := p.m.files.at(args[0])
	if f == nil || !f.dir || f.mode != octal(args[1]) || !owned(f, args[2]) {
		return 1
	}
	return 0
}

func applyDir(p *process, args []string) int {
	path := args[0]
	if rc := p.mkdir(path, 0o755); rc != 0 {
		return rc
	}
	for f := p.m.files[path]; f.link != ""; f = p.m.files[path] {
		path = f.link
	}
	f := p.m.files[path]
	if !owned(f, args[2]) {
		p.do("chown "+path, func() { p.m.files.own(path, f.mode, args[2]) })
	}
	if mode := octal(args[1]); p.m.files[path].mode != mode {
		p.do("chmod "+path, func() { p.m.files.own(path, mode, p.m.files[path].owner) })
	}
	return 0
}

func checkFile(p *process, args []string) int {
	path := args[0]
	f := p.m.files[path]
	switch {
	case f == nil || f.link != "":
		return 1
	case f.dir:
		return p.words(2, path+" is not a file")
	case f.mode != octal(args[1]) || !owned(f, args[2]) || tasks.Sum(f.data) != args[3]:
		return 1
	}
	return 0
}

func applyFile(p *process, args []string) int {
	path := args[0]
	fresh := dirOf(path) + "/." + base(path) + ".eucactl-new"
	p.remove(fresh)
	content, ok := p.blob(args[3])
	if !ok || tasks.Sum(content) != args[3] {
		return p.words(2, path+": the content could not be written whole")
	}
	if rc := p.write(fresh, content, 0o600); rc != 0 {
		return rc
	}
	p.do("chown and chmod "+fresh, func() { p.m.files.own(fresh, octal(args[1]), args[2]) })
	if p.m.files.isLink(path) {
		p.remove(path)
	}
	if p.m.files.isDir(path) {
		p.remove(fresh)
		return p.words(2, path+" is a directory")
	}
	return p.rename(fresh, path)
}

func diffFile(p *process, args []string) string {
	if p.m.files.isLink(args[0]) {
		return ""
	}
	text, _ := p.m.files.read(args[0])
	return text
}

func checkAbsent(p *process, args []string) int {
	path := args[0]
	f := p.m.files[path]
	switch {
	case f == nil:
		return 0
	case p.cloud == "":
		return p.words(2, path+": without a cloud's id nothing is known to be ours")
	case f.dir || f.link != "":
		return p.words(2, path+" is not a file of ours")
	}
	lines := strings.SplitN(f.data, "\n", 6)
	if strings.Contains(strings.Join(lines[:min(5, len(lines))], "\n"), "eucactl "+p.cloud) {
		return 1
	}
	return p.words(2, path+` is not ours: its first lines do not say "eucactl `+p.cloud+`"`)
}

func applyAbsent(p *process, args []string) int {
	p.remove(args[0])
	return 0
}
