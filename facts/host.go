package facts

import (
	"errors"
	"fmt"
	"strings"
)

// HostScript prints the stable facts that programs are rendered with, one
// "name=value" a line: the same as long as the host is not changed by its
// operator. It runs before the tasks of every program, so it forks three times.
//
//	arch             as uname says: x86_64
//	kernel           the running kernel's release
//	os, os_version   ID and VERSION_ID of os-release: debian, 12
//	iptables         nft, legacy or none: the back end behind iptables
//	kvm              yes if there is a /dev/kvm
//	emulator         the QEMU that libvirt starts here, empty if none is found
//	tools            what is installed of what kinds use, separated by spaces
const HostScript = `
arch=$(uname -m) || exit 2
echo "arch=$arch"
read -r value </proc/sys/kernel/osrelease || exit 2
echo "kernel=$value"
os='' version=''
for file in /etc/os-release /usr/lib/os-release; do
	[ -r "$file" ] || continue
	while IFS='=' read -r name value; do
		value=${value#[\"\']}
		value=${value%[\"\']}
		case $name in
		ID) os=$value ;;
		VERSION_ID) version=$value ;;
		esac
	done <"$file"
	break
done
echo "os=$os"
echo "os_version=$version"
case $(iptables -V 2>&1) in
*nf_tables*) echo iptables=nft ;;
iptables*) echo iptables=legacy ;;
*) echo iptables=none ;;
esac
if [ -c /dev/kvm ]; then echo kvm=yes; else echo kvm=no; fi
emulator=
for file in "/usr/bin/qemu-system-$arch" /usr/libexec/qemu-kvm /usr/bin/qemu-kvm; do
	[ -x "$file" ] || continue
	emulator=$file
	break
done
echo "emulator=$emulator"
tools=
for name in ip bridge brctl iptables iptables-save iptables-restore ip6tables ebtables ipset conntrack dhcpd virsh \
	libvirtd virtqemud qemu-img flock sha256sum timeout base64 sysctl systemctl vconfig tgtadm vblade aoe-discover iscsiadm lvs xl; do
	command -v "$name" >/dev/null 2>&1 && tools="$tools${tools:+ }$name"
done
echo "tools=$tools"
`

// ReadHost reads what HostScript printed.
func ReadHost(text string) (map[string]string, error) {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("host facts: not name=value: %q", line)
		}
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("host facts: %s is there twice", name)
		}
		found[name] = value
	}
	if found["arch"] == "" || found["kernel"] == "" {
		return nil, errors.New("host facts: arch or kernel is missing")
	}
	return found, nil
}
