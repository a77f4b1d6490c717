package facts

import (
	"fmt"
	"strings"
)

// ModulesScript prints what is known of the kernel modules that networks and
// firewalls need, "NAME STATE" a line: loaded (or built in), loadable, absent, or
// unknown where the host keeps no list of its kernel's modules. Modules that are
// built in and have no parameters show nowhere but there and in what they do.
const ModulesScript = `
read -r release </proc/sys/kernel/osrelease || exit 2
dir=/lib/modules/$release
[ -f "$dir/modules.dep" ] || dir=/usr/lib/modules/$release
loadable='' builtin=''
if [ -f "$dir/modules.dep" ]; then
	loadable=" $(grep -o -E '/(8021q|bridge|br_netfilter|ip_set|nf_conntrack|tun)\.ko[^:]*:' "$dir/modules.dep" | tr '\n' ' ')"
	[ ! -f "$dir/modules.builtin" ] || builtin=" $(grep -o -E '/(8021q|bridge|br_netfilter|ip_set|nf_conntrack|tun)\.ko' "$dir/modules.builtin" | tr '\n' ' ')"
fi
config=
if [ -r /proc/config.gz ]; then
	config=$(zcat /proc/config.gz 2>/dev/null | grep -E '^(# )?CONFIG_(VLAN_8021Q|BRIDGE|BRIDGE_NETFILTER|IP_SET|NF_CONNTRACK|TUN)[= ]')
elif [ -r "/boot/config-$release" ]; then
	config=$(grep -E '^(# )?CONFIG_(VLAN_8021Q|BRIDGE|BRIDGE_NETFILTER|IP_SET|NF_CONNTRACK|TUN)[= ]' "/boot/config-$release")
fi
for pair in 8021q:VLAN_8021Q:/proc/net/vlan bridge:BRIDGE: br_netfilter:BRIDGE_NETFILTER:/proc/sys/net/bridge \
	ip_set:IP_SET: nf_conntrack:NF_CONNTRACK:/proc/sys/net/netfilter tun:TUN:/dev/net/tun; do
	name=${pair%%:*}
	option=${pair#*:}
	sign=${option#*:}
	option=CONFIG_${option%%:*}
	state=unknown
	case $config in
	*"$option=y"*) state=loaded ;;
	*"# $option is not set"*) state=absent ;;
	esac
	if [ -d "/sys/module/$name" ] || { [ -n "$sign" ] && [ -e "$sign" ]; }; then
		state=loaded
	elif [ "$state" = unknown ] && [ -f "$dir/modules.dep" ]; then
		state=absent
		case $loadable in *"/$name.ko"*) state=loadable ;; esac
		case $builtin in *"/$name.ko"*) state=loaded ;; esac
	fi
	echo "$name $state"
done
`

// States of a kernel module.
const (
	ModuleLoaded   = "loaded"
	ModuleLoadable = "loadable"
	ModuleAbsent   = "absent"
	ModuleUnknown  = "unknown"
)

// ReadModules reads what ModulesScript printed: module -> state.
func ReadModules(text string) (map[string]string, error) {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		name, state, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch state {
		case ModuleLoaded, ModuleLoadable, ModuleAbsent, ModuleUnknown:
			found[name] = state
		default:
			return nil, fmt.Errorf("modules: not a module and its state: %q", line)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("modules: nothing was said")
	}
	return found, nil
}
