package facts

import (
	"fmt"
	"strconv"
	"strings"
)

// VLANsScript prints which VLAN interfaces a host has ("vlan TAG NAME"), and those
// that a check of ours left ("left NAME"). Without the kernel's module there are none.
const VLANsScript = `
[ -d /sys/class/net ] || exit 2
if [ -r /proc/net/vlan/config ]; then
	sed -n 's/^\([^ |]*\) *| *\([0-9]*\) *|.*/vlan \2 \1/p' /proc/net/vlan/config || exit 2
fi
for dir in /sys/class/net/*; do
	mark=
	[ ! -r "$dir/ifalias" ] || read -r mark <"$dir/ifalias" || :
	[ "$mark" != "eucactl check $CLOUD" ] || echo "left ${dir##*/}"
done
echo end
`

// VLANs are a host's VLAN interfaces.
type VLANs struct {
	Tags map[int]string // tag -> interface
	Left []string       // made by a check of ours that was cut off
}

// ReadVLANs reads what VLANsScript printed.
func ReadVLANs(text string) (VLANs, error) {
	v := VLANs{Tags: map[int]string{}}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 3 && f[0] == "vlan":
			tag, err := strconv.Atoi(f[1])
			if err != nil {
				return VLANs{}, fmt.Errorf("vlans: %q is no tag", f[1])
			}
			v.Tags[tag] = f[2]
		case len(f) == 2 && f[0] == "left":
			v.Left = append(v.Left, f[1])
		case len(f) == 1 && f[0] == "end":
			return v, nil
		default:
			return VLANs{}, fmt.Errorf("vlans: unexpected %q", line)
		}
	}
	return VLANs{}, fmt.Errorf("vlans: cut off: %q", text)
}
