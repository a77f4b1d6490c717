package facts

import (
	"fmt"
	"strings"
)

// HypervisorScript prints the kinds of machines that libvirt can start here, one a
// line ("domain qemu"). The first time libvirt tries its emulators, which takes long.
const HypervisorScript = `
text=$(timeout 60 virsh -q -c qemu:///system capabilities) || exit 2
printf '%s\n' "$text" | sed -n "s/.*<domain type='\([a-z]*\)'.*/domain \1/p" | sort -u
echo end
`

// ReadHypervisor reads what HypervisorScript printed: kvm, qemu ...
func ReadHypervisor(text string) ([]string, error) {
	list := []string{}
	for line := range strings.Lines(text) {
		word, kind, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch {
		case word == "domain" && kind != "":
			list = append(list, kind)
		case word == "end" && kind == "":
			return list, nil
		default:
			return nil, fmt.Errorf("hypervisor: not a kind of machine: %q", line)
		}
	}
	return nil, fmt.Errorf("hypervisor: cut off: %q", text)
}
