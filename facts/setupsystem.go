package facts

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// setupSystem asks which system a host runs.
func setupSystem() []setupPart {
	return []setupPart{
		{name: "uname", names: []string{"system", "nodename", "hostname", "kernel", "kernel_version", "machine", "architecture", "userspace_architecture", "userspace_bits"},
			script: `uname -s; uname -n; uname -r; uname -v; uname -m; getconf LONG_BIT`, read: readUname},
		{name: "fqdn", names: []string{"fqdn", "domain"}, script: `hostname -f || uname -n`, read: readFQDN},
		{name: "os", names: []string{"distribution", "distribution_version", "distribution_major_version", "distribution_minor_version", "distribution_release",
			"distribution_file_path", "distribution_file_variety", "distribution_file_parsed", "os_family", "lsb"},
			script: `cat /etc/os-release || cat /usr/lib/os-release
echo "debian_version=$(cat /etc/debian_version)"
echo "alpine_version=$(cat /etc/alpine-release)"
echo "redhat_release=$(cat /etc/redhat-release)"`, read: readOS},
		{name: "managers", names: []string{"pkg_mgr", "service_mgr"},
			script: `for name in apt-get dnf yum zypper pacman apk; do command -v $name; done
echo "init=$(cat /proc/1/comm)"
[ ! -d /run/systemd/system ] || echo init=systemd`, read: readManagers},
		{name: "python", names: []string{"python", "python_version"},
			script: `command -v python3 && python3 --version`, read: readPython},
		{name: "virtual", names: []string{"virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host"},
			script: `systemd-detect-virt || { [ ! -f /.dockerenv ] || echo docker; }`, read: readVirtual},
		{name: "security", names: []string{"selinux", "apparmor", "fips"},
			script: `echo "selinux=$(getenforce)"
[ ! -d /sys/kernel/security/apparmor ] || echo apparmor=enabled
echo "fips=$(cat /proc/sys/crypto/fips_enabled)"`, read: readSecurity},
		{name: "date", names: []string{"date_time"},
			script: `date '+%Y|%m|%d|%H|%M|%S|%s|%A|%Z|%z|%j|%V|%w|%u|%B'; date -u '+%Y-%m-%dT%H:%M:%SZ'`, read: readDate},
		{name: "machine_id", names: []string{"machine_id"}, script: `cat /var/lib/dbus/machine-id || cat /etc/machine-id`,
			read: func(text string, out map[string]any) { put(out, "machine_id", strings.TrimSpace(text)) }},
		{name: "cmdline", names: []string{"cmdline", "proc_cmdline"}, script: `cat /proc/cmdline`, read: readCmdline},
		{name: "local", names: []string{"local"}, script: `for file in /etc/ansible/facts.d/*.fact; do
	[ -f "$file" ] || continue
	echo "== ${file##*/}"
	if [ -x "$file" ]; then "$file"; else cat "$file"; fi
	echo
done`, read: readLocalFacts},
		{name: "hostkeys", names: []string{"ssh_host_key_rsa_public", "ssh_host_key_rsa_public_keytype", "ssh_host_key_ecdsa_public",
			"ssh_host_key_ecdsa_public_keytype", "ssh_host_key_ed25519_public", "ssh_host_key_ed25519_public_keytype"},
			script: `cat /etc/ssh/ssh_host_*_key.pub`, read: readHostKeys},
	}
}

// put sets a fact that the host has something to say of.
func put(out map[string]any, name, value string) {
	if value != "" {
		out[name] = value
	}
}

func readUname(text string, out map[string]any) {
	l := setupLines(text)
	for i, name := range []string{"system", "nodename", "kernel", "kernel_version", "machine"} {
		if i < len(l) {
			out[name] = l[i]
		}
	}
	if n, ok := out["nodename"].(string); ok {
		out["hostname"], _, _ = strings.Cut(n, ".")
	}
	if m, ok := out["machine"].(string); ok {
		out["architecture"], out["userspace_architecture"] = m, m
		if regexp.MustCompile(`^i[3456]86$`).MatchString(m) {
			out["architecture"] = "i386"
		}
	}
	if len(l) > 5 {
		out["userspace_bits"] = l[5]
	}
}

func readFQDN(text string, out map[string]any) {
	name := strings.TrimSpace(text)
	if l := setupLines(text); len(l) > 0 {
		name = l[0]
	}
	put(out, "fqdn", name)
	_, domain, _ := strings.Cut(name, ".")
	out["domain"] = domain
}

// families of distributions, by Ansible.
var families = map[string]string{
	"Debian": "Debian", "Ubuntu": "Debian", "Raspbian": "Debian", "Linux Mint": "Debian", "Kali": "Debian", "Devuan": "Debian", "Pop!_OS": "Debian",
	"RedHat": "RedHat", "CentOS": "RedHat", "Fedora": "RedHat", "Rocky": "RedHat", "AlmaLinux": "RedHat", "OracleLinux": "RedHat", "Amazon": "RedHat", "Scientific": "RedHat",
	"SLES": "Suse", "SLED": "Suse", "openSUSE": "Suse", "openSUSE Leap": "Suse", "openSUSE Tumbleweed": "Suse",
	"Archlinux": "Archlinux", "Manjaro": "Archlinux", "Alpine": "Alpine", "Gentoo": "Gentoo", "Slackware": "Slackware", "OpenWrt": "OpenWrt",
}

// distributions are Ansible's names for what os-release calls them.
var distributions = map[string]string{
	"debian": "Debian", "ubuntu": "Ubuntu", "raspbian": "Raspbian", "linuxmint": "Linux Mint", "kali": "Kali", "devuan": "Devuan", "pop": "Pop!_OS",
	"rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux", "ol": "OracleLinux", "amzn": "Amazon", "scientific": "Scientific",
	"sles": "SLES", "sled": "SLED", "opensuse": "openSUSE", "opensuse-leap": "openSUSE Leap", "opensuse-tumbleweed": "openSUSE Tumbleweed",
	"arch": "Archlinux", "manjaro": "Manjaro", "alpine": "Alpine", "gentoo": "Gentoo", "slackware": "Slackware", "openwrt": "OpenWrt",
}

func readOS(text string, out map[string]any) {
	v := map[string]string{}
	keyed(text, "=", func(key, value string) { v[key] = strings.Trim(value, `"'`) })
	name := distributions[v["ID"]]
	if name == "" {
		name = v["NAME"]
	}
	if name == "" {
		return
	}
	version := v["VERSION_ID"]
	if name == "Alpine" && v["alpine_version"] != "" {
		version = v["alpine_version"]
	}
	if m := regexp.MustCompile(`release (\d+(?:\.\d+)*)`).FindStringSubmatch(v["redhat_release"]); m != nil && families[name] == "RedHat" {
		version = m[1]
	}
	// Debian's own file knows the point release.
	if name == "Debian" && regexp.MustCompile(`^\d+\.\d+`).MatchString(v["debian_version"]) {
		out["distribution_minor_version"] = strings.SplitN(v["debian_version"], ".", 2)[1]
		version = v["debian_version"]
	}
	if version == "" {
		version = "n/a"
	}
	major, _, _ := strings.Cut(version, ".")
	out["distribution"], out["distribution_version"], out["distribution_major_version"] = name, version, major
	release := v["VERSION_CODENAME"]
	if m := regexp.MustCompile(`\(([^)]+)\)`).FindStringSubmatch(v["VERSION"]); release == "" && m != nil {
		release = m[1]
	}
	if release == "" {
		release = "NA"
	}
	out["distribution_release"] = release
	out["distribution_file_path"], out["distribution_file_parsed"], out["distribution_file_variety"] = "/etc/os-release", true, families[name]
	family := families[name]
	if family == "" {
		family = name
	}
	out["os_family"] = family
	out["lsb"] = map[string]any{"id": name, "release": v["VERSION_ID"], "codename": release, "major_release": major, "description": v["PRETTY_NAME"]}
}

func readManagers(text string, out map[string]any) {
	known := map[string]string{"apt-get": "apt", "dnf": "dnf", "yum": "yum", "zypper": "zypper", "pacman": "pacman", "apk": "apk"}
	for _, line := range setupLines(text) {
		if init, ok := strings.CutPrefix(line, "init="); ok {
			put(out, "service_mgr", map[string]string{"init": "sysvinit", "openrc-init": "openrc"}[init])
			if out["service_mgr"] == nil || init == "systemd" {
				put(out, "service_mgr", init)
			}
			continue
		}
		if name := known[line[strings.LastIndexByte(line, '/')+1:]]; name != "" && out["pkg_mgr"] == nil {
			out["pkg_mgr"] = name
		}
	}
}

func readPython(text string, out map[string]any) {
	l := setupLines(text)
	if len(l) < 2 {
		return
	}
	version := strings.TrimPrefix(l[1], "Python ")
	out["python_version"] = version
	parts := map[string]any{}
	for i, name := range []string{"major", "minor", "micro"} {
		if words := strings.Split(version, "."); i < len(words) {
			n, _ := strconv.ParseInt(words[i], 10, 64)
			parts[name] = n
		}
	}
	out["python"] = map[string]any{"executable": l[0], "type": "cpython", "has_sslcontext": true, "version": parts}
}

// virtualNames are Ansible's names for what systemd calls them.
var virtualNames = map[string]string{"none": "", "microsoft": "VirtualPC", "oracle": "virtualbox", "qemu": "kvm", "amazon": "kvm", "vmware": "VMware"}

func readVirtual(text string, out map[string]any) {
	kind, role := strings.TrimSpace(text), "guest"
	if name, ok := virtualNames[kind]; ok {
		kind = name
	}
	if kind == "" {
		kind, role = "NA", "NA"
	}
	out["virtualization_type"], out["virtualization_role"] = kind, role
	guests := []any{}
	if role == "guest" {
		guests = append(guests, kind)
	}
	out["virtualization_tech_guest"], out["virtualization_tech_host"] = guests, []any{}
}

func readSecurity(text string, out map[string]any) {
	out["selinux"] = map[string]any{"status": "disabled"}
	out["apparmor"], out["fips"] = map[string]any{"status": "disabled"}, false
	keyed(text, "=", func(key, value string) {
		switch {
		case key == "selinux" && value != "" && value != "Disabled":
			out["selinux"] = map[string]any{"status": "enabled", "mode": strings.ToLower(value)}
		case key == "apparmor":
			out["apparmor"] = map[string]any{"status": "enabled"}
		case key == "fips":
			out["fips"] = value == "1"
		}
	})
}

func readDate(text string, out map[string]any) {
	l := setupLines(text)
	if len(l) < 2 {
		return
	}
	v := strings.Split(l[0], "|")
	if len(v) < 15 {
		return
	}
	iso := l[1]
	compact := strings.NewReplacer("-", "", ":", "").Replace(v[0] + v[1] + v[2] + "T" + v[3] + v[4] + v[5])
	out["date_time"] = map[string]any{
		"year": v[0], "month": v[1], "day": v[2], "hour": v[3], "minute": v[4], "second": v[5], "epoch": v[6], "epoch_int": v[6],
		"weekday": v[7], "tz": v[8], "tz_dst": v[8], "tz_offset": v[9], "weeknumber": v[11], "weekday_number": v[12],
		"date": v[0] + "-" + v[1] + "-" + v[2], "time": v[3] + ":" + v[4] + ":" + v[5],
		"iso8601": iso, "iso8601_micro": strings.TrimSuffix(iso, "Z") + ".000000Z",
		"iso8601_basic": compact + "000000", "iso8601_basic_short": compact,
	}
}

func readCmdline(text string, out map[string]any) {
	all := map[string]any{}
	for _, word := range strings.Fields(text) {
		key, value, ok := strings.Cut(word, "=")
		if all[key] = any(true); ok {
			all[key] = value
		}
	}
	out["cmdline"], out["proc_cmdline"] = all, all
}

// readLocalFacts reads the files of /etc/ansible/facts.d: JSON, or INI.
func readLocalFacts(text string, out map[string]any) {
	all := map[string]any{}
	for _, piece := range strings.Split("\n"+text, "\n== ")[1:] {
		name, body, _ := strings.Cut(piece, "\n")
		name = strings.TrimSuffix(strings.TrimSpace(name), ".fact")
		var v any
		if json.Unmarshal([]byte(strings.TrimSpace(body)), &v) == nil {
			all[name] = v
			continue
		}
		sections, section := map[string]any{}, map[string]any(nil)
		for _, line := range setupLines(body) {
			if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
				section = map[string]any{}
				sections[strings.Trim(line, "[]")] = section
				continue
			}
			key, value, ok := strings.Cut(line, "=")
			if ok && section != nil {
				section[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
			}
		}
		all[name] = sections
	}
	out["local"] = all
}

func readHostKeys(text string, out map[string]any) {
	for _, line := range setupLines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
			if strings.Contains(words[0], kind) {
				out["ssh_host_key_"+kind+"_public"], out["ssh_host_key_"+kind+"_public_keytype"] = words[1], words[0]
			}
		}
	}
}
